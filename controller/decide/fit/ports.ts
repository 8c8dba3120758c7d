import { collide } from '../shape/ports.ts'
import type { Filter } from './filter.ts'

/** Host ports must be free (plugin NodePorts). */
export const nodePorts: Filter = {
  code: 'NodePorts',
  refuses: ({ ports }, bin) => ports.some((port) => bin.ports.some((taken) => collide(port, taken))),
  explain({ ports }, bin) {
    const taken = ports.filter((port) => bin.ports.some((other) => collide(port, other)))
    return `host port ${taken.map(({ port, protocol }) => `${port}/${protocol}`).join(', ')} is taken`
  },
}
