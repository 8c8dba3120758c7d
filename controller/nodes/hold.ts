import { configName } from '../../common/api/names.ts'
import type { NodeGroup } from '../../common/api/nodegroup.ts'
import type { ControllerDeps } from '../deps.ts'

/** True while nothing may be done about a NodeGroup's machines: everything is paused, or the group only rehearses. */
export function isHeld(
  { caches }: Pick<ControllerDeps, 'caches'>,
  nodeGroup: NodeGroup | undefined,
): boolean {
  const settings = caches.autoscalerConfigs.get(configName)?.spec.globalSettings
  return settings?.paused === true || nodeGroup?.spec.dryRun === true
}
