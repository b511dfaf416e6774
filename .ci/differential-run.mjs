// Runs the comparison of .ci/differential: DIRECTORY DEVIATIONS CASES|managed SEED.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Generator } from './differential-cases.mjs'
import { explains } from './differential-deviations.mjs'
import { managedCases } from './differential-managed.mjs'
import { oracleIn } from './differential-oracle.mjs'

const [dir, deviationsPath, total, seed] = process.argv.slice(2)
const oracle = await oracleIn(dir)
// ours decides cases by the program under test.
function ours(cases) {
  const input = cases.map((c) => JSON.stringify(c)).join('\n')
  const run = spawnSync(join(dir, 'ssmguard'), ['eval'], { input, encoding: 'utf8', maxBuffer: 1 << 30 })
  if (run.status !== 0) throw new Error(`eval: ${run.stderr}`)
  return run.stdout.trimEnd().split('\n').map((l) => JSON.parse(l))
}

const deviations = JSON.parse(readFileSync(deviationsPath, 'utf8'))
const explained = {}
let compared = 0
let unexplained = 0
const decisions = {}

// randomCases yields the same number of cases of each profile.
function* randomCases() {
  const profiles = ['basic', 'conditions', 'variables', 'layers', 'all']
  for (const [i, profile] of profiles.entries()) {
    const generator = new Generator(profile, Number(seed) * 1000 + i)
    for (let n = Math.floor(Number(total) / profiles.length); n > 0; n--) yield generator.next()
  }
}

// compare asks both about some cases.
function compare(cases) {
  const answers = ours(cases)
  compared += cases.length
  cases.forEach((c, k) => {
    const want = oracle(c)
    const { decision, matched, error } = answers[k]
    decisions[want.decision] = (decisions[want.decision] ?? 0) + 1
    if (answers[k].id === c.id && JSON.stringify({ decision, matched }) === JSON.stringify(want)) return
    const why = deviations.find((d) => explains(d, c))
    if (why) {
      explained[why.id] = (explained[why.id] ?? 0) + 1
    } else if (unexplained++ < 10) {
      console.log(`difference: ours ${decision} ${JSON.stringify(matched)} ${error}, theirs ${JSON.stringify(want)}\n${JSON.stringify(c)}`)
    }
  })
}

let cases = []
for (const c of total === 'managed' ? managedCases(dir, Number(seed)) : randomCases()) {
  cases.push(c)
  if (cases.length === 5000) compare(cases.splice(0))
}
if (cases.length) compare(cases)
console.log(`${compared} cases, seed ${seed}:`, decisions)
console.log('differences explained by known deviations:', explained)
console.log(`unexplained differences: ${unexplained}`)
process.exit(unexplained ? 1 : 0)
