import { spawnSync } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { crdFiles } from '../../manifests/crds.ts'
import { manifestFile } from '../fixtures/manifests.ts'

const generate = (...args: string[]) =>
  spawnSync(process.execPath, ['manifests/generate.ts', ...args], { encoding: 'utf8' })

t.test('the CRDs in manifests/crds are up to date', async (t) => {
  const { status, stderr } = generate('--check')
  t.equal(status, 0, stderr)
})

t.test('--check names a file that is out of date or missing and exits 1, writing nothing', async (t) => {
  const folder = t.testdir({})
  generate(folder)
  t.equal(generate('--check', folder).status, 0)
  writeFileSync(`${folder}/nodegroups.yaml`, 'changed by hand')
  const { status, stderr } = generate('--check', folder)
  t.equal(status, 1)
  t.match(stderr, /nodegroups\.yaml is out of date/)
  t.notMatch(stderr, /vpsienodes/)
  t.same(readdirSync(t.testdir({})), [])
  t.equal(generate('--check', t.testdir({})).status, 1)
})

t.test('every CRD is one of the kustomization', async (t) => {
  const [kustomization] = manifestFile('crds/kustomization.yaml')
  t.same(new Set(kustomization?.resources as string[]), new Set(crdFiles().keys()))
})
