import { benches } from './benches.ts'

// Runs one benchmark in a process of its own, so that its memory is its own, and prints its result as JSON.
const bench = benches.find(({ name }) => name === process.argv[2])
if (!bench) throw new Error(`there is no benchmark "${process.argv[2]}"`)
const measured = await bench.run()
const rssMB = Math.round(process.resourceUsage().maxRSS / 1024)
process.stdout.write(`${JSON.stringify({ name: bench.name, ...measured, peerMs: bench.peerMs, rssMB })}\n`)
