import Type from 'typebox'
import type { Dialect } from '../dialect.ts'
import { machineRow, toMachine } from '../machines.ts'
import { checked, listOf } from '../rows.ts'

const detail = Type.Object({ nodes: listOf(machineRow) })

/**
 * The dialect of the Go SDK govpsie: a cluster shows all machines in `nodes`, with a numeric id and a creation time
 * but without identifier, status and size.
 */
export const appsV2: Dialect = {
  name: 'apps-v2',
  prefix: '/apps/v2',
  headers: ['authorization', 'vpsie-auth'],
  readMachines(data) {
    const { nodes } = checked(detail, data, 'data')
    return nodes.map((row, i) => toMachine(row, `data.nodes[${i}]`, 'unknown'))
  },
  vms: {
    prefix: '/api/v2',
    list: (projectID) => `/vm?projectId=${encodeURIComponent(projectID)}`,
    // Flags are texts: govpsie found numbers to be ignored without an error.
    order: ({
      hostname,
      projectID,
      datacenterID,
      sizeIdentifier,
      osImageID,
      sshKeyIDs,
      tags,
      notes,
      userData,
    }) => ({
      hostname,
      projectId: projectID,
      dcIdentifier: datacenterID,
      resourceIdentifier: sizeIdentifier,
      osIdentifier: osImageID,
      addPublicIpV4: '1',
      addPublicIpV6: '0',
      addPrivateIp: '1',
      ...(sshKeyIDs.length > 0 ? { sshKeyIdentifier: sshKeyIDs.join(',') } : {}),
      tags,
      notes,
      userData,
    }),
    remove: ({ uuid }) =>
      uuid === undefined
        ? undefined
        : {
            path: '/vm',
            json: {
              vmIdentifier: uuid,
              deleteStatistic: { reason: 'autoscaler', note: 'removed by the node autoscaler' },
            },
          },
  },
}
