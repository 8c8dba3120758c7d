import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import * as names from '../../common/api/names.ts'
import { manifestFolder } from '../fixtures/manifests.ts'
import { workloads } from '../fixtures/workloads.ts'

const root = new URL('../../manifests/', import.meta.url)
const known = [names.labels, names.annotations, names.finalizers, names.taints].flatMap((table) =>
  Object.values(table),
)

for (const folder of ['base', 'examples']) {
  const files = readdirSync(new URL(`${folder}/`, root), { recursive: true, encoding: 'utf8' })
  for (const file of files.filter((name) => name.endsWith('.yaml'))) {
    t.test(`${folder}/${file} uses no label, annotation or taint of ours that does not exist`, async (t) => {
      const text = readFileSync(new URL(`${folder}/${file}`, root), 'utf8')
      for (const [key] of text.matchAll(/[a-z.]*autoscaler\.vpsie\.com\/(?!v\d)[a-z-]+/g)) {
        t.ok(
          known.some((name) => name === key),
          key,
        )
      }
    })
  }
}

t.test('everything lives in the one namespace', async (t) => {
  t.equal(names.defaultNamespace, 'kube-system')
  for (const { args } of workloads().flatMap(({ template }) => template.spec.containers)) {
    for (const arg of args.filter((one) => one.includes('namespace'))) t.match(arg, /=kube-system$/)
  }
  for (const { metadata } of manifestFolder('base')) t.notOk(metadata.namespace, metadata.name)
})

t.test('every object of ours carries the name of the project', async (t) => {
  for (const { metadata } of manifestFolder('base')) t.match(metadata.name, /^vpsie-autoscaler-/)
})

t.test('what is mounted is what the certificate job fills', async (t) => {
  const filled = manifestFolder('base').filter(({ kind }) => kind === 'Secret' || kind === 'ConfigMap')
  t.same(filled.map(({ metadata }) => metadata.name).sort(), [
    'vpsie-autoscaler-ca',
    'vpsie-autoscaler-ingest-tls',
    'vpsie-autoscaler-trust',
    'vpsie-autoscaler-webhook-tls',
  ])
  for (const object of filled)
    t.notOk(object.data ?? object.stringData, 'applying it again takes nothing away')
  const mounted = JSON.stringify(workloads().flatMap(({ template }) => template.spec.volumes ?? []))
  t.match(mounted, '"secretName":"vpsie-autoscaler-webhook-tls"')
  t.match(mounted, '"secretName":"vpsie-autoscaler-ingest-tls"')
  t.match(mounted, '"name":"vpsie-autoscaler-trust"')
  t.notMatch(mounted, 'vpsie-autoscaler-ca"')
})
