import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Clock, systemClock } from '../../common/clock.ts'
import { type Cache, startCache } from '../../common/kube/cache.ts'
import type { KubeClient } from '../../common/kube/client.ts'
import type { ConfigMap, KubeObject, Secret } from '../../common/kube/objects.ts'
import { type Resource, resources } from '../../common/kube/resources.ts'
import type { Logger } from '../../common/log.ts'
import { replaceFile } from '../fixtures/replace-file.ts'
import { until } from '../fixtures/wait.ts'

interface Deps {
  client: KubeClient
  log: Logger
  clock?: Clock
  /** Milliseconds until a change is in the files, asked for each change. Default 0. */
  delayMs?: () => number
}

/** Which object, and which of its keys a pod cannot do without. */
export interface Mount {
  kind: 'secret' | 'configMap'
  namespace: string
  name: string
  keys: readonly string[]
}

/**
 * What a kubelet does for a volume of a Secret or a ConfigMap: keeps each key as a file in `folder` and follows every
 * change. Resolves once all keys are there, as a pod waits for them; follows until `signal` aborts.
 */
export async function mount(
  { client, log, clock = systemClock, delayMs = () => 0 }: Deps,
  { kind, namespace, name, keys }: Mount,
  folder: string,
  signal: AbortSignal,
): Promise<void> {
  await mkdir(folder, { recursive: true })
  const selector = { namespace, fieldSelector: `metadata.name=${name}` }
  const follow = <T extends KubeObject>(resource: Resource<T>, textsOf: (object: T) => Texts) => {
    const cache: Cache<T> = startCache({ client, clock, log }, resource, selector, signal)
    return { cache, texts: () => cache.list().map(textsOf)[0] ?? {} }
  }
  const { cache, texts } =
    kind === 'secret' ? follow(resources.secrets, secretTexts) : follow(resources.configMaps, configTexts)
  // One write after the other: two at once would take each other's new files away.
  let written: Promise<void> = Promise.resolve()
  const write = () => {
    written = written.then(() => writeAll(folder, texts()))
    return written
  }
  const writeLate = async () => {
    await clock.sleep(delayMs(), signal)
    await write()
  }
  cache.onChange(() => {
    writeLate().catch((error: unknown) => {
      if (!signal.aborted) log.error('mount failed', { name, error })
    })
  })
  const complete = () => keys.every((key) => texts()[key] !== undefined)
  await until(`${kind} ${name} with ${keys.join(' and ')}`, complete, {}, signal)
  await write()
}

type Texts = Record<string, string>

const secretTexts = ({ data = {} }: Secret): Texts =>
  Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]),
  )
const configTexts = ({ data = {} }: ConfigMap): Texts => data

async function writeAll(folder: string, texts: Texts): Promise<void> {
  for (const [key, text] of Object.entries(texts)) await replaceFile(join(folder, key), text)
}
