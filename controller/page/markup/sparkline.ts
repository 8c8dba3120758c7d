import type { UsagePoint } from '../../ingest/history.ts'
import { type Content, html } from './html.ts'

const [width, height] = [90, 22]

/** The last hour of a node's CPU (line) and memory (dashes), with the same in words. */
export function sparkline(usage: readonly (UsagePoint | undefined)[]): Content {
  const last = usage.findLast((point) => point !== undefined)
  if (!last) return html`<span class="none">no reports</span>`
  const percent = (value: number) => `${Math.round(value)} %`
  const words = `CPU ${percent(last.cpuPercent)}, memory ${percent(last.memoryPercent)}`
  return html`<span class="usage"><svg class="spark" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" aria-hidden="true" focusable="false">
<path class="memory" d="${pathOf(usage.map((point) => point?.memoryPercent))}"/><path class="cpu" d="${pathOf(usage.map((point) => point?.cpuPercent))}"/></svg>
<span>${words}</span></span>`
}

/** A line with gaps where nothing is known; a lone point is a short dash. */
function pathOf(values: readonly (number | undefined)[]): string {
  const step = width / values.length
  let isDrawing = false
  return values
    .flatMap((value, i) => {
      if (value === undefined) {
        isDrawing = false
        return []
      }
      const x = (i * step).toFixed(1)
      const y = (height - 1 - (Math.min(100, value) / 100) * (height - 2)).toFixed(1)
      const command = isDrawing ? `L${x} ${y}` : `M${x} ${y}`
      isDrawing = true
      return [`${command}h${step.toFixed(1)}`]
    })
    .join('')
}
