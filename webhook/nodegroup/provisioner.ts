import { builtInVariables, renderCloudInit } from '../../common/api/cloud-init.ts'
import { forbidden, invalid, required } from '../../common/api/violation.ts'
import { type Advice, none, type Rule } from '../rule.ts'
import { problemOf } from '../settings/rules.ts'
import type { Settings } from '../settings/settings.ts'
import type { Subject } from './rules.ts'

const image: Rule<Settings> = {
  name: 'vm-image',
  fields: ['osImageID', 'provisioner'],
  says: 'with provisioner vm there is an image',
  check({ settings: { provisioner, osImageID } }) {
    if (provisioner !== 'vm' || osImageID) return none
    return [required('spec.osImageID', 'a plain VPS is made from an image')]
  },
}

const cloudInitMode: Rule<Settings> = {
  name: 'cloud-init-mode',
  fields: ['cloudInit', 'provisioner'],
  says: 'cloudInit is there exactly with provisioner vm',
  cel: [
    'cloudInit is for provisioner vm only',
    'provisioner vm needs cloudInit: nothing else makes the machine join the cluster',
  ],
  check({ settings: { cloudInit, provisioner } }) {
    if (provisioner === 'vm') {
      return cloudInit
        ? none
        : [required('spec.cloudInit', 'nothing else makes a machine of provisioner vm join the cluster')]
    }
    return cloudInit
      ? [forbidden('spec.cloudInit', 'workers of a VPSie Kubernetes cluster are set up by VPSie')]
      : none
  },
}

const templateSource: Rule<Settings> = {
  name: 'cloud-init-source',
  fields: ['cloudInit'],
  says: 'exactly one of template and configMapRef is given',
  cel: ['exactly one of template and configMapRef must be given'],
  check({ settings: { cloudInit } }) {
    if (!cloudInit || (cloudInit.template === undefined) !== (cloudInit.configMapRef === undefined))
      return none
    const isBoth = cloudInit.template !== undefined
    return isBoth
      ? [forbidden('spec.cloudInit.configMapRef', 'give either template or configMapRef')]
      : [required('spec.cloudInit.template', 'give either template or configMapRef')]
  },
}

const ownVariables: Rule<Settings> = {
  name: 'cloud-init-variables',
  fields: ['cloudInit.variables'],
  says: `none has the name of one that the autoscaler sets for each machine: ${builtInVariables.join(', ')}`,
  check({ settings: { cloudInit } }) {
    if (!cloudInit?.variables) return none
    return Object.keys(cloudInit.variables)
      .filter((name) => (builtInVariables as readonly string[]).includes(name))
      .map((name) =>
        forbidden(`spec.cloudInit.variables[${name}]`, 'is set by the autoscaler for each machine'),
      )
  },
}

const templateRenders: Rule<Settings> = {
  name: 'cloud-init-renders',
  fields: ['cloudInit.template', 'cloudInit.variables'],
  says: 'every variable of the template is known and harmless, and what comes out is a document that cloud-init reads',
  check({ settings: { cloudInit } }) {
    return cloudInit?.template === undefined
      ? none
      : templateProblems(cloudInit.template, cloudInit, 'spec.cloudInit.template')
  },
}

/** A template that is kept in a ConfigMap is rendered as it is now; it is rendered again for each machine. */
const keptTemplateRenders: Rule<Subject> = {
  name: 'cloud-init-kept',
  fields: ['cloudInit.configMapRef'],
  says: 'the same of the template in the ConfigMap, as it is at the time',
  check(subject) {
    const kept = keptTemplate(subject)
    const { cloudInit } = subject.settings
    return kept?.template === undefined || !cloudInit
      ? none
      : templateProblems(kept.template, cloudInit, 'spec.cloudInit.configMapRef')
  },
}

// The ConfigMap may be applied after the group; no machine is ordered without it.
export const templateMissing: Advice<Subject> = {
  name: 'cloud-init-missing',
  says: 'the ConfigMap or its key does not exist, or is not known yet: then the template was not checked',
  warn(subject) {
    const kept = keptTemplate(subject)
    return kept?.lacking === undefined ? none : [kept.lacking]
  },
}

interface KeptTemplate {
  template?: string
  /** Why there is none. */
  lacking?: string
}

function keptTemplate({
  settings: { cloudInit },
  nodeGroup,
  surroundings,
}: Subject): KeptTemplate | undefined {
  const { name, key } = cloudInit?.configMapRef ?? {}
  if (!name || !key) return undefined
  const { namespace } = nodeGroup.metadata
  const found = surroundings.configMap(`${namespace}/${name}`)
  if (found === undefined)
    return { lacking: 'ConfigMaps are not known yet, so the template of spec.cloudInit was not checked' }
  const template = found?.data?.[key]
  if (template !== undefined) return { template }
  const what = found === null ? `ConfigMap ${namespace}/${name}` : `key ${key} in the ConfigMap`
  return { lacking: `${what} of spec.cloudInit does not exist; no machine is ordered until it does` }
}

/** What is wrong with a template, found by rendering it. It is confidential, so its text is never shown. */
function templateProblems(
  template: string,
  { variables }: NonNullable<Settings['settings']['cloudInit']>,
  field: string,
) {
  // Built-in values are made from names and labels, which have rules of their own.
  const builtIn = Object.fromEntries(builtInVariables.map((name) => [name, 'x']))
  const problem = problemOf((text) => renderCloudInit(text, { ...variables, ...builtIn }, ''), template)
  return problem ? [invalid(field, undefined, problem)] : none
}

/** What makes the machines of a group, and how they join. */
export const provisionerRules: readonly Rule<Subject>[] = [
  image,
  cloudInitMode,
  templateSource,
  ownVariables,
  templateRenders,
  keptTemplateRenders,
]
