import type { Inventory } from '../common/report.ts'

/**
 * Run as a process of its own: prints the inventory as one line of JSON. The library reads most of it through shells
 * and keeps its memory, neither of which the agent can afford.
 */
const { default: systeminformation } = await import('systeminformation')
const [os, system, disks] = await Promise.all([
  systeminformation.osInfo(),
  systeminformation.system(),
  systeminformation.diskLayout(),
])
const inventory: Inventory = {
  os: `${os.distro} ${os.release}`,
  kernel: os.kernel,
  model: `${system.manufacturer} ${system.model}`,
  diskBytes: disks.reduce((sum, { size }) => sum + (size || 0), 0),
}
process.stdout.write(`${JSON.stringify(inventory)}\n`)
