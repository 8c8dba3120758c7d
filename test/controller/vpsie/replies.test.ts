import fc from 'fast-check'
import t from 'tap'
import { TransientError } from '../../../common/errors.ts'
import { appsV2 } from '../../../controller/vpsie/dialects/apps-v2.ts'
import { v2 } from '../../../controller/vpsie/dialects/v2.ts'
import {
  readClusters,
  readHint,
  readOffers,
  readPools,
  readToken,
} from '../../../controller/vpsie/replies.ts'

const offers = (data: unknown) => readOffers(data, 'dc-1')
const v2Machines = (data: unknown) => v2.readMachines(data).map(({ machine }) => machine)
const appsMachines = (data: unknown) => appsV2.readMachines(data).map(({ machine }) => machine)

const offer = { id: 2, name: 'small', cpu: 2, ram: 4096, disk: 80, price: 24.5 }
const pool = { id: 7, identifier: 'u-7', group_name: 'GRP', boxsize_id: 2, nodes_count: 3, is_deleted: 0 }

/** What each reply of VPSie means, in the forms its public clients have met. */
const contract: { name: string; read: (data: unknown) => unknown; data: unknown; means: unknown }[] = [
  {
    name: 'an offer',
    read: offers,
    data: [offer],
    means: [
      { id: 2, name: 'small', cpu: 2, memoryMB: 4096, diskGB: 80, monthlyPrice: 24.5, datacenterID: 'dc-1' },
    ],
  },
  {
    name: 'an offer in texts',
    read: offers,
    data: [{ ...offer, id: '2', ram: '4096', price: '24.50' }],
    means: [{ id: 2, memoryMB: 4096, monthlyPrice: 24.5 }],
  },
  {
    name: 'an offer with ssd and nickname',
    read: offers,
    data: [{ ...offer, disk: null, ssd: 80, name: null, nickname: 'nick' }],
    means: [{ diskGB: 80, name: 'nick' }],
  },
  {
    name: 'an offer by the hour',
    read: offers,
    data: [{ ...offer, price: null, hourly_price: 0.1 }],
    means: [{ monthlyPrice: 73 }],
  },
  {
    name: 'a pool',
    read: readPools,
    data: [pool],
    means: [{ pool: { id: 7, identifier: 'u-7', name: 'GRP', sizeID: 2, nodeCount: 3 } }],
  },
  {
    name: 'a deleted pool',
    read: readPools,
    data: [
      { ...pool, is_deleted: 1 },
      { ...pool, is_deleted: true },
      { ...pool, is_deleted: '1' },
    ],
    means: [],
  },
  { name: 'no pools as null', read: readPools, data: null, means: [] },
  {
    name: 'a cluster',
    read: readClusters,
    data: [{ identifier: 'c', cluster_name: 'n', kube_version: '1.34.1', lb_id: null }],
    means: [{ identifier: 'c', name: 'n', kubernetesVersion: '1.34.1' }],
  },
  { name: 'an order answered by true', read: readHint, data: true, means: {} },
  { name: 'an order answered by nothing', read: readHint, data: undefined, means: {} },
  {
    name: 'an order answered by a machine',
    read: readHint,
    data: { id: '9', identifier: 'u-9', status: 'new', hostname: 'H' },
    means: { uuid: 'u-9', numericID: 9, hostname: 'H' },
  },
  {
    name: 'an order answered by half a machine',
    read: readHint,
    data: { id: null, identifier: '', hostname: 'H' },
    means: { hostname: 'H' },
  },
  {
    name: 'a log-in',
    read: readToken,
    data: { accessToken: { token: 'abc', expires: '2026-01-01T01:00:00Z' } },
    means: { token: 'abc', expiresAt: Date.parse('2026-01-01T01:00:00Z') },
  },
  {
    name: 'a log-in with an odd end',
    read: readToken,
    data: { accessToken: { token: 'abc', expires: 'soon' } },
    means: { token: 'abc' },
  },
  {
    name: 'a v2 cluster: one machine in two lists is one machine, with the role of its list',
    read: v2Machines,
    data: {
      nodes: [{ identifier: 'u', hostname: 'x', ip: '10.0.0.1', status: 'running', role: 'member' }],
      masters: [{ identifier: 'U' }],
      slaves: null,
    },
    means: [{ role: 'controlPlane', hostname: 'x', status: 'running' }],
  },
  {
    name: 'a v2 worker',
    read: v2Machines,
    data: { slaves: [{ identifier: 'u', cpu: 2, ram: 4096, disk: 80 }] },
    means: [{ identity: 'u', role: 'worker', uuid: 'u' }],
  },
  { name: 'an empty v2 cluster', read: v2Machines, data: { nodes: [] }, means: [] },
  {
    name: 'an apps-v2 worker: number, address, creation, role by host name',
    read: appsMachines,
    data: {
      nodes: [
        {
          id: 5,
          hostname: 'HEL-kubernetes-1-slave-2',
          default_ip: '10.0.0.2',
          private_ip: null,
          node_type: 2,
          created_on: '2026-01-01 00:00:00',
        },
      ],
    },
    means: [
      {
        identity: '5',
        numericID: 5,
        role: 'worker',
        addresses: ['10.0.0.2'],
        createdAt: Date.parse('2026-01-01T00:00:00Z'),
      },
    ],
  },
  {
    name: 'an apps-v2 machine whose role nothing tells',
    read: appsMachines,
    data: { nodes: [{ id: 5, hostname: 'H', node_type: 2, created_on: 'yesterday' }] },
    means: [{ role: 'unknown', hostname: 'H' }],
  },
  {
    name: 'a machine with only a host name',
    read: appsMachines,
    data: { nodes: [{ hostname: 'HEL-1' }] },
    means: [{ identity: 'hel-1' }],
  },
  {
    name: 'a row that tells its size',
    read: appsMachines,
    data: { nodes: [{ id: 5, boxsize_id: '2', group_id: 7 }] },
    means: [{ sizeID: 2, poolID: 7 }],
  },
]

for (const { name, read, data, means } of contract) {
  t.test(`reading ${name}`, async (t) => {
    const got = read(data)
    t.match(got, means)
    if (Array.isArray(means)) t.equal(Array.isArray(got) && got.length, means.length)
  })
}

/** Replies that must not pass for anything, and the field their error names. */
const malformed: { name: string; read: (data: unknown) => unknown; data: unknown; field: string }[] = [
  { name: 'offers that are no list', read: offers, data: {}, field: 'data:' },
  { name: 'no offers at all', read: offers, data: undefined, field: 'data' },
  {
    name: 'an offer with a price in words',
    read: offers,
    data: [{ ...offer, price: 'cheap' }],
    field: 'data[0].price',
  },
  {
    name: 'an offer without any price',
    read: offers,
    data: [offer, { ...offer, price: null }],
    field: 'data[1].price',
  },
  { name: 'an offer without a disk', read: offers, data: [{ ...offer, disk: null }], field: 'data[0].disk' },
  {
    name: 'a pool without its size',
    read: readPools,
    data: [{ ...pool, boxsize_id: null }],
    field: 'data[0].boxsize_id',
  },
  {
    name: 'a pool with a fraction for an id',
    read: readPools,
    data: [{ ...pool, id: 7.5 }],
    field: 'data[0].id',
  },
  {
    name: 'a v2 cluster without lists, which is not an empty one',
    read: v2Machines,
    data: { nodes: null },
    field: 'data',
  },
  {
    name: 'an apps-v2 cluster without a list',
    read: appsMachines,
    data: { nodes: null },
    field: 'data.nodes',
  },
  { name: 'no cluster', read: v2Machines, data: null, field: 'data' },
  {
    name: 'a machine nobody can name',
    read: v2Machines,
    data: { nodes: [{ identifier: 'u' }, { status: 'up' }] },
    field: 'data.nodes[1]',
  },
  {
    name: 'a machine with an object for a name',
    read: appsMachines,
    data: { nodes: [{ hostname: {} }] },
    field: 'data.nodes[0].hostname',
  },
  { name: 'a log-in without a token', read: readToken, data: { data: true }, field: 'accessToken' },
  {
    name: 'a log-in with a token that fits no header',
    read: readToken,
    data: { accessToken: { token: 'a\nb' } },
    field: 'accessToken.token',
  },
]

for (const { name, read, data, field } of malformed) {
  t.test(`${name} is a bad reply that names ${field}`, async (t) => {
    try {
      read(data)
      t.fail('it was read')
    } catch (error) {
      t.match(error, { name: 'TransientError', code: 'BadReply', outcome: 'unknown' })
      t.ok(String(error).includes(field), String(error))
    }
  })
}

t.test('a bad token is not quoted', async (t) => {
  try {
    readToken({ accessToken: { token: 'hush hush' } })
    t.fail('it was read')
  } catch (error) {
    t.notMatch(String(error), /hush/)
  }
})

t.test(
  'whatever VPSie sends, a reader gives its type or a bad reply, and never an identity that is none',
  async () => {
    const row = fc.dictionary(
      fc.constantFrom(
        'id',
        'identifier',
        'hostname',
        'ip',
        'status',
        'role',
        'cpu',
        'ram',
        'disk',
        'price',
        'boxsize_id',
        'nodes_count',
        'created_on',
        '__proto__',
      ),
      fc.oneof(fc.jsonValue(), fc.integer().map(String), fc.constant('slave')),
    )
    const rows = fc.array(row, { maxLength: 4 })
    const data = fc.oneof(
      fc.jsonValue(),
      rows,
      fc.record({ nodes: rows, masters: rows }, { requiredKeys: [] }),
      row,
    )
    fc.assert(
      fc.property(data, (value) => {
        for (const read of [offers, readPools, readClusters, readHint, readToken, v2Machines, appsMachines]) {
          try {
            const got = read(value)
            if (read !== v2Machines && read !== appsMachines) continue
            for (const { identity } of got as { identity: string }[]) {
              if (typeof identity !== 'string' || identity === '' || identity === 'NaN')
                throw new Error(`identity ${identity}`)
            }
          } catch (error) {
            if (!(error instanceof TransientError)) throw error
          }
        }
      }),
      { numRuns: 500 },
    )
  },
)
