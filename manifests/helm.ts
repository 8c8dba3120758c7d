import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import type { KubeObject } from '../common/kube/objects.ts'
import { crdFiles } from './crds.ts'
import { kustomize, podTemplateOf } from './kustomize.ts'

const root = join(import.meta.dirname, '..')
const { version, description } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  version: string
  description: string
}

/** A program of the chart: the workloads that run it, and what of them can be chosen. */
const components = { controller: 'Deployment', webhook: 'Deployment', agent: 'DaemonSet', certs: '' } as const
type Component = keyof typeof components

interface Container {
  args: unknown[]
  image: string
  resources: object
}

interface PodTemplate {
  spec: {
    containers: Container[]
    nodeSelector?: object
    tolerations?: unknown[]
    imagePullSecrets?: unknown
  }
}

interface Workload extends KubeObject {
  spec: { replicas?: unknown }
}

/** The files of the Helm chart by their path below manifests/helm/vpsie-autoscaler, made from manifests/base. */
export function helmFiles(): Map<string, string> {
  const objects = kustomize('base').filter(({ kind }) => kind !== 'CustomResourceDefinition')
  const byFile = Map.groupBy(objects, fileOf)
  const templates = [...byFile].map(([file, own]) => [
    `templates/${file}.yaml`,
    `${generated}${file === 'controller' ? onlyInKubeSystem : ''}${own.map(template).join('---\n')}`,
  ]) as [string, string][]
  return new Map([
    ['Chart.yaml', chart()],
    ['values.yaml', values(objects as Workload[])],
    ['values.schema.json', `${JSON.stringify(valuesSchema, null, 2)}\n`],
    ['templates/NOTES.txt', notes],
    ...templates,
    ...[...crdFiles()]
      .filter(([name]) => name !== 'kustomization.yaml')
      .map(([name, text]): [string, string] => [`crds/${name}`, text]),
  ])
}

const generated = '# Made from manifests/base by node manifests/generate.ts.\n'

// Its name stands in certificates, leases and the authority of agents' tokens.
const onlyInKubeSystem = `{{- if ne .Release.Namespace "kube-system" }}
{{- fail "install it into kube-system: helm install -n kube-system" }}
{{- end }}
`

function fileOf({ kind = '', metadata }: KubeObject): string {
  const component = componentOf(metadata.name)
  if (kind.endsWith('WebhookConfiguration')) return 'webhook-configurations'
  return /^(ClusterRole|Role|ServiceAccount)/.test(kind) ? `${component}-rbac` : component
}

function componentOf(name: string): string {
  return /^vpsie-autoscaler-(controller|webhook|agent|certs|viewer)/.exec(name)?.[1] ?? 'certs'
}

/** An object as a template: what can be chosen is marked, and the marks become expressions once it is text. */
function template(object: KubeObject): string {
  const marked = structuredClone(object) as Workload
  const { kind = '', metadata } = marked
  if (metadata.namespace !== undefined) metadata.namespace = mark('.Release.Namespace')
  const component = componentOf(metadata.name) as Component
  const pods = podTemplateOf<PodTemplate>(marked)
  if (pods?.spec?.containers) markPods(pods, component)
  if (kind === 'Deployment') marked.spec.replicas = mark(`.Values.${component}.replicas`)
  // A finished Job cannot be changed; each release brings its own.
  if (kind === 'Job') metadata.name = `${metadata.name}-${mark('.Release.Revision')}`
  return expressions(stringify(marked, { lineWidth: 0, aliasDuplicateObjects: false }))
}

function markPods({ spec }: PodTemplate, component: Component): void {
  for (const container of spec.containers) {
    const own = `.Values.${component}.image`
    const repository = mark(`${own}.repository | default .Values.image.repository`)
    const tag = mark(`${own}.tag | default .Values.image.tag | default .Chart.AppVersion`)
    container.image = `${repository}:${tag}`
    container.resources = block(`.Values.${component}.resources`) as never
    container.args = [...container.args, `@list .Values.${component}.extraArgs@`]
  }
  spec.nodeSelector = block(`.Values.${component}.nodeSelector`) as never
  spec.tolerations = block(`.Values.${component}.tolerations`) as never
  spec.imagePullSecrets = block('.Values.imagePullSecrets', 'with')
}

const mark = (expression: string) => `@value ${expression}@`
const block = (expression: string, word: 'toYaml' | 'with' = 'toYaml') => `@${word} ${expression}@`

function expressions(text: string): string {
  return text
    .replace(/^( *)- ["']?@list ([^@]+)@["']?$/gm, '$1{{- range $2 }}\n$1- {{ . | quote }}\n$1{{- end }}')
    .replace(
      /^( *)(\w+): ["']?@with ([^@]+)@["']?$/gm,
      (_, indent: string, key: string, value: string) =>
        `${indent}{{- with ${value} }}\n${indent}${key}:\n${indent}  {{- toYaml . | nindent ${indent.length + 2} }}\n${indent}{{- end }}`,
    )
    .replace(
      /^( *)(\w+): ["']?@toYaml ([^@]+)@["']?$/gm,
      (_, indent: string, key: string, value: string) =>
        `${indent}${key}:\n${indent}  {{- toYaml ${value} | nindent ${indent.length + 2} }}`,
    )
    .replace(/["']?(@value [^@]+@(?::@value [^@]+@)?)["']?$/gm, '$1')
    .replace(/@value ([^@]+)@/g, '{{ $1 }}')
}

function chart(): string {
  return stringify({
    apiVersion: 'v2',
    name: 'vpsie-autoscaler',
    description,
    type: 'application',
    version,
    appVersion: version,
    kubeVersion: '>=1.30.0-0',
  })
}

/** What the base has is what the chart has, unless somebody chooses. */
function values(objects: readonly Workload[]): string {
  const of = (component: Component) => {
    const kind = components[component]
    const workload = objects.find(
      (object) =>
        componentOf(object.metadata.name) === component &&
        podTemplateOf(object) !== undefined &&
        (kind === '' || object.kind === kind),
    )
    const pods = workload && podTemplateOf<PodTemplate>(workload)
    const { nodeSelector = {}, tolerations = [], containers = [] } = pods?.spec ?? {}
    return {
      ...(typeof workload?.spec.replicas === 'number' && { replicas: workload.spec.replicas }),
      image: { repository: '', tag: '' },
      extraArgs: [],
      resources: containers[0]?.resources ?? {},
      nodeSelector,
      tolerations,
    }
  }
  const body = stringify(
    {
      image: { repository: 'vpsie-autoscaler', tag: '' },
      imagePullSecrets: [],
      ...Object.fromEntries(
        (Object.keys(components) as Component[]).map((component) => [component, of(component)]),
      ),
    },
    { lineWidth: 0, aliasDuplicateObjects: false },
  )
  return `# Options of the programs go into extraArgs, such as --log-level=debug; docs/configuration.md has all of them. An image
# without a tag is that of the chart's version; a program may have one of its own, such as the smallest for the agents.
# The credentials are a Secret of yours: kube-system/vpsie-secret.
${body}`
}

const image = {
  type: 'object',
  additionalProperties: false,
  properties: { repository: { type: 'string' }, tag: { type: 'string' } },
}

const component = {
  type: 'object',
  additionalProperties: false,
  properties: {
    image,
    replicas: { type: 'integer', minimum: 1 },
    extraArgs: { type: 'array', items: { type: 'string', pattern: '^--[a-z]' } },
    resources: { type: 'object' },
    nodeSelector: { type: 'object' },
    tolerations: { type: 'array', items: { type: 'object' } },
  },
}

const valuesSchema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  type: 'object',
  additionalProperties: false,
  required: ['image'],
  properties: {
    image: {
      ...image,
      required: ['repository'],
      properties: { ...image.properties, repository: { type: 'string', minLength: 1 } },
    },
    imagePullSecrets: { type: 'array', items: { type: 'object', required: ['name'] } },
    global: { type: 'object' },
    ...Object.fromEntries(Object.keys(components).map((name) => [name, component])),
  },
}

const notes = `The certificates are made by a Job; webhook and controller wait for them, a minute or so:

  kubectl -n {{ .Release.Namespace }} rollout status deployment/vpsie-autoscaler-controller

The credentials of VPSie are read from the Secret {{ .Release.Namespace }}/vpsie-secret. What nodes you want is said by
NodeGroups: kubectl explain nodegroup.spec
`
