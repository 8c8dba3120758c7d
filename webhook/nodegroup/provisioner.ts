import { machineVariables, renderCloudInit } from '../../common/api/cloud-init.ts'
import { forbidden, invalid, required, unsupported } from '../../common/api/violation.ts'
import { none, type Rule } from '../rule.ts'
import { problemOf } from '../settings/rules.ts'
import type { Settings } from '../settings/settings.ts'

// The day the controller orders plain VPS, this rule goes.
const managedOnly: Rule<Settings> = {
  name: 'managed-only',
  fields: ['provisioner'],
  says: 'it is managed: nothing orders plain VPS yet',
  check({ settings: { provisioner } }) {
    return provisioner === 'vm' ? [unsupported('spec.provisioner', provisioner, ['managed'])] : none
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

const templateRenders: Rule<Settings> = {
  name: 'cloud-init-renders',
  fields: ['cloudInit.template', 'cloudInit.variables'],
  says: `each {{ name }} of the template is closed and has a value, of variables or of those each machine has (${machineVariables.join(', ')}), and what comes out begins with #cloud-config or #!`,
  check({ settings: { cloudInit } }) {
    if (!cloudInit?.template) return none
    const ofMachine = Object.fromEntries(machineVariables.map((name) => [name, name]))
    const values = { ...ofMachine, ...cloudInit.variables }
    const problem = problemOf((text) => renderCloudInit(text, values, ''), cloudInit.template)
    // The template is confidential, so it is not shown.
    return problem ? [invalid('spec.cloudInit.template', undefined, problem)] : none
  },
}

/** What makes the machines of a group, and how they join. */
export const provisionerRules: readonly Rule<Settings>[] = [
  managedOnly,
  cloudInitMode,
  templateSource,
  templateRenders,
]
