import { duplicate, forbidden, invalid, required, unsupported } from '../../common/api/violation.ts'
import { isTimeZone, parseCron } from '../../common/cron.ts'
import { parseDuration } from '../../common/duration.ts'
import { InputError } from '../../common/errors.ts'
import { none, type Rule } from '../rule.ts'
import { distinctTaints, labelNames, taintNames } from './names.ts'
import type { Settings } from './settings.ts'

const counts: Rule<Settings> = {
  name: 'counts',
  fields: ['minNodes', 'maxNodes'],
  says: 'minNodes is not greater than maxNodes',
  cel: ['minNodes must not be greater than maxNodes'],
  check({ settings: { minNodes = 0, maxNodes = Number.POSITIVE_INFINITY }, at }) {
    if (minNodes <= maxNodes) return none
    return [invalid(`${at}.minNodes`, minNodes, `must not be greater than maxNodes, which is ${maxNodes}`)]
  },
}

const named = ['resourceIdentifier', 'project', 'datacenterID', 'kubernetesVersion'] as const

const identifiers: Rule<Settings> = {
  name: 'identifiers',
  fields: named,
  says: 'none of them is empty',
  schema: true,
  check({ settings, at }) {
    const empty = named.filter((field) => settings[field] === '')
    return empty.length === 0 ? none : empty.map((field) => required(`${at}.${field}`, 'must not be empty'))
  },
}

const lists = ['offeringIDs', 'sshKeyIDs'] as const

const distinctEntries: Rule<Settings> = {
  name: 'entries-distinct',
  fields: lists,
  says: 'no entry is listed twice',
  cel: ['each must be listed once'],
  check({ settings, at }) {
    return lists.flatMap((field) => repeated(settings[field], `${at}.${field}`))
  },
}

/** The entries that came before. */
export function repeated(entries: readonly string[] | undefined, field: string) {
  if (!entries || entries.length < 2) return none
  const seen = new Set<string>()
  return entries.flatMap((entry, i) => {
    if (seen.has(entry)) return [duplicate(`${field}[${i}]`, entry)]
    seen.add(entry)
    return none
  })
}

const preferredSize: Rule<Settings> = {
  name: 'preferred-size',
  fields: ['preferredInstanceType', 'offeringIDs'],
  says: 'the preferred size is one of offeringIDs',
  cel: ['preferredInstanceType must be one of offeringIDs'],
  check({ settings: { preferredInstanceType: size, offeringIDs = [] }, at }) {
    if (!size || offeringIDs.includes(size)) return none
    return [unsupported(`${at}.preferredInstanceType`, size, offeringIDs)]
  },
}

const spot: Rule<Settings> = {
  name: 'no-spot',
  fields: ['spotConfig.enabled'],
  says: 'it is not true: VPSie sells no spot machines',
  cel: ['VPSie sells no spot machines: enabled must be false'],
  check({ settings: { spotConfig }, at }) {
    if (!spotConfig?.enabled) return none
    return [forbidden(`${at}.spotConfig.enabled`, 'VPSie sells no spot machines: must be false')]
  },
}

const interval: Rule<Settings> = {
  name: 'interval',
  fields: ['costOptimization.optimizationInterval'],
  says: 'it is a duration such as 24h or 1h30m',
  schema: true,
  check({ settings: { costOptimization }, at }) {
    const text = costOptimization?.optimizationInterval
    if (text === undefined) return none
    const problem = problemOf(parseDuration, text)
    return problem ? [invalid(`${at}.costOptimization.optimizationInterval`, text, problem)] : none
  },
}

const headroom: Rule<Settings> = {
  name: 'headroom-form',
  fields: ['headroom'],
  says: 'headroom is given as percent, or as pods with requests, not both',
  cel: ['give either percent or both pods and requests'],
  check({ settings: { headroom }, at }) {
    if (!headroom) return none
    const { percent, pods, requests } = headroom
    const field = `${at}.headroom`
    if (percent === undefined) {
      return [
        ...(pods === undefined ? [required(`${field}.pods`, 'give percent, or both pods and requests')] : []),
        ...(requests === undefined
          ? [required(`${field}.requests`, 'give percent, or both pods and requests')]
          : []),
      ]
    }
    return (['pods', 'requests'] as const)
      .filter((name) => headroom[name] !== undefined)
      .map((name) => forbidden(`${field}.${name}`, 'give either percent or both pods and requests'))
  },
}

const windows: Rule<Settings> = {
  name: 'windows',
  fields: ['disruption.windows'],
  says: 'schedules are cron expressions of five fields with a day that comes, time zones are IANA names',
  check({ settings: { disruption }, at }) {
    if (!disruption?.windows?.length) return none
    return disruption.windows.flatMap(({ schedule, timeZone }, i) => {
      const field = `${at}.disruption.windows[${i}]`
      const problem = typeof schedule === 'string' ? problemOf(parseCron, schedule) : undefined
      const isUnknown = typeof timeZone === 'string' && !isTimeZone(timeZone)
      return [
        ...(problem ? [invalid(`${field}.schedule`, schedule, problem)] : []),
        ...(isUnknown
          ? [invalid(`${field}.timeZone`, timeZone, 'must be an IANA time zone such as Europe/Berlin')]
          : []),
      ]
    })
  },
}

/** What a NodeGroup and the presets of AutoscalerConfig are both held to, besides the schema. */
export const settingsRules: readonly Rule<Settings>[] = [
  counts,
  identifiers,
  distinctEntries,
  preferredSize,
  labelNames,
  taintNames,
  distinctTaints,
  spot,
  interval,
  headroom,
  windows,
]

/** What a parser finds wrong with a text, without its path and without the value, which a violation shows itself. */
export function problemOf(parse: (text: string, path: string) => unknown, text: string): string | undefined {
  try {
    parse(text, '')
    return undefined
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    return error.message.replace(/^: /, '').replace(/: current value is .*$/s, '')
  }
}
