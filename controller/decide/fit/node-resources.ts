import { amountText, at, isWithin } from '../resources.ts'
import type { Filter } from './filter.ts'

/** Every resource that is asked for must be free (plugin NodeResourcesFit). */
export const nodeResources: Filter = {
  code: 'NodeResourcesFit',
  refuses: ({ requests }, { free }) => !isWithin(requests, free),
  explain({ requests }, { free, allocatable }, { space }) {
    const short = space.names.flatMap((name, place) => {
      const asked = at(requests, place)
      if (asked === 0 || asked <= at(free, place)) return []
      const text = (amount: number) => amountText(space, place, amount)
      return [
        `${text(asked)} ${name} asked, ${text(Math.max(0, at(free, place)))} of ${text(at(allocatable, place))} free`,
      ]
    })
    return `insufficient ${short.join('; ')}`
  },
}
