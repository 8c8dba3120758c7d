import { openExternalFloor } from '../floors/external.ts'
import { type KubectlFloor, openRealFloor } from '../floors/real.ts'

/**
 * The floor for a test that needs nothing but an API server: a control plane of its own, or, when main.ts was told
 * so by its flag, the cluster of KUBECONFIG. The variable alone does nothing.
 */
export async function openFloor(tell: (line: string) => void, signal: AbortSignal): Promise<KubectlFloor> {
  if (process.env.TEST_FLOOR !== 'kubeconfig') return openRealFloor(tell, signal)
  return openExternalFloor(process.env.KUBECONFIG ?? '', 'kubectl')
}
