import { checkStructure } from '../../common/api/check.ts'
import { builtInVariables, renderCloudInit } from '../../common/api/cloud-init.ts'
import { maxNodeGroupName } from '../../common/api/names.ts'
import { type NodeGroup, nodeGroupSchema } from '../../common/api/nodegroup.ts'
import { forbidden, invalid, required, unsupported, type Violation } from '../../common/api/violation.ts'
import { isTimeZone, parseCron } from '../../common/cron.ts'
import { parseDuration } from '../../common/duration.ts'
import { InputError } from '../../common/errors.ts'
import { checkLabels, checkTaints } from '../names.ts'

type Spec = Partial<NodeGroup['spec']>
type Rule = (spec: Spec, nodeGroup: NodeGroup) => Violation[]

/**
 * Every mistake that a NodeGroup has by itself. Its structure is held to the schema; the rules below are for what a
 * schema cannot say, and read only what has the right type.
 */
export function checkNodeGroup(nodeGroup: NodeGroup): Violation[] {
  const structure = checkStructure(nodeGroupSchema, nodeGroup)
  // A rule about a field of the wrong type would only repeat in other words what the schema has said.
  const spec = withoutBroken(nodeGroup.spec ?? {}, structure)
  const found = rules.flatMap((rule) => rule(spec, nodeGroup))
  const told = new Set(structure.map(({ field }) => field))
  return [...structure, ...found.filter(({ field }) => !told.has(field))]
}

function withoutBroken(spec: Spec, violations: readonly Violation[]): Spec {
  const broken = new Set(
    violations.flatMap(({ field, code }) =>
      code === 'FieldValueTypeInvalid' ? (/^spec\.([^.[]+)/.exec(field)?.[1] ?? []) : [],
    ),
  )
  return Object.fromEntries(Object.entries(spec).filter(([name]) => !broken.has(name)))
}

const name: Rule = (_, { metadata }) => {
  const { length } = metadata.name
  if (length <= maxNodeGroupName) return []
  const why = `must have at most ${maxNodeGroupName} characters, as it becomes part of label values and VPSieNode names: it has ${length}`
  return [invalid('metadata.name', metadata.name, why)]
}

const counts: Rule = ({ minNodes = 0, maxNodes = Number.POSITIVE_INFINITY }) =>
  minNodes > maxNodes
    ? [invalid('spec.minNodes', minNodes, `must not be greater than maxNodes, which is ${maxNodes}`)]
    : []

const identifiers: Rule = (spec) =>
  (['resourceIdentifier', 'project', 'datacenterID'] as const).flatMap((field) =>
    spec[field] === '' ? [required(`spec.${field}`)] : [],
  )

const offerings: Rule = ({ offeringIDs = [], preferredInstanceType }) => {
  const repeated = offeringIDs.flatMap((entry, i) =>
    offeringIDs.indexOf(entry) < i
      ? [
          {
            ...invalid(`spec.offeringIDs[${i}]`, entry, 'is listed already'),
            code: 'FieldValueDuplicate' as const,
          },
        ]
      : [],
  )
  if (!preferredInstanceType || offeringIDs.includes(preferredInstanceType)) return repeated
  return [...repeated, unsupported('spec.preferredInstanceType', preferredInstanceType, offeringIDs)]
}

const names: Rule = ({ labels = {}, taints = [], startupTaints = [] }) => [
  ...checkLabels(labels, 'spec.labels'),
  ...checkTaints(taints, 'spec.taints'),
  ...checkTaints(startupTaints, 'spec.startupTaints'),
]

const spot: Rule = ({ spotConfig }) =>
  spotConfig?.enabled ? [forbidden('spec.spotConfig.enabled', 'VPSie sells no spot machines')] : []

const provisioner: Rule = ({ provisioner, cloudInit, osImageID }) => {
  if (provisioner !== 'vm')
    return cloudInit
      ? [forbidden('spec.cloudInit', 'workers of a VPSie Kubernetes cluster are set up by VPSie')]
      : []
  return osImageID ? [] : [required('spec.osImageID', 'a plain VPS is made from an image')]
}

const cloudInit: Rule = (spec) => [
  ...shadowing(spec),
  ...(spec.cloudInit?.template === undefined
    ? []
    : checkTemplate(spec.cloudInit.template, spec, 'spec.cloudInit.template')),
]

function shadowing({ cloudInit }: Spec): Violation[] {
  return Object.keys(cloudInit?.variables ?? {})
    .filter((name) => (builtInVariables as readonly string[]).includes(name))
    .map((name) =>
      forbidden(`spec.cloudInit.variables[${name}]`, 'is set by the autoscaler for each machine'),
    )
}

/** What is wrong with a cloud-init template of the group, found by rendering it; its text is never quoted. */
export function checkTemplate(template: string, { cloudInit }: Spec, field: string): Violation[] {
  // Built-in values are made from names and labels, which have rules of their own.
  const builtIn = Object.fromEntries(builtInVariables.map((name) => [name, 'x']))
  try {
    renderCloudInit(template, { ...cloudInit?.variables, ...builtIn }, field)
    return []
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    return [invalid(field, undefined, error.message.replace(`${field}: `, ''))]
  }
}

const regions: Rule = ({ multiRegion, datacenterID, provisioner }) => {
  if (!multiRegion?.enabled) return []
  const {
    datacenterIDs = [],
    distributionStrategy,
    weightedDistribution = {},
    primaryDatacenter,
  } = multiRegion
  const at = 'spec.multiRegion'
  const sum = Object.values(weightedDistribution).reduce((total, share) => total + share, 0)
  return [
    forbidden(
      `${at}.enabled`,
      provisioner === 'vm'
        ? `machines are not spread over datacenters: all are in "${datacenterID}"; make a NodeGroup for each`
        : `managed workers are in the datacenter of their cluster, "${datacenterID}"`,
    ),
    ...(datacenterIDs.length === 0 ? [required(`${at}.datacenterIDs`)] : []),
    ...(distributionStrategy === 'weighted' && sum !== 100
      ? [
          invalid(
            `${at}.weightedDistribution`,
            undefined,
            `the shares must add up to 100: they add up to ${sum}`,
          ),
        ]
      : []),
    ...(distributionStrategy === 'primary-backup' && !datacenterIDs.includes(primaryDatacenter ?? '')
      ? [unsupported(`${at}.primaryDatacenter`, primaryDatacenter, datacenterIDs)]
      : []),
  ]
}

const cost: Rule = ({ costOptimization }) => {
  const { optimizationInterval } = costOptimization ?? {}
  return optimizationInterval === undefined
    ? []
    : inputProblem('spec.costOptimization.optimizationInterval', optimizationInterval, parseDuration)
}

const windows: Rule = ({ disruption }) =>
  (disruption?.windows ?? []).flatMap(({ schedule, timeZone }, i) => {
    const at = `spec.disruption.windows[${i}]`
    return [
      ...(typeof schedule === 'string' ? inputProblem(`${at}.schedule`, schedule, parseCron) : []),
      ...(typeof timeZone === 'string' && !isTimeZone(timeZone)
        ? [invalid(`${at}.timeZone`, timeZone, 'must be an IANA time zone such as Europe/Berlin')]
        : []),
    ]
  })

const rules: readonly Rule[] = [
  name,
  counts,
  identifiers,
  offerings,
  names,
  spot,
  provisioner,
  cloudInit,
  regions,
  cost,
  windows,
]

/** The problem a parser finds, as a violation of the field. */
function inputProblem(
  field: string,
  text: string,
  parse: (text: string, path: string) => unknown,
): Violation[] {
  try {
    parse(text, field)
    return []
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    return [
      invalid(field, text, error.message.replace(`${field}: `, '').replace(/: current value is .*$/, '')),
    ]
  }
}
