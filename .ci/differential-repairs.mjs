// Asks the independent implementation about repairs, for .ci/differential repair:
// DIRECTORY DEVIATIONS SETS SEED. What differential-guard writes is applied here to the
// policies as they are written down, and asked here: nothing of the program under test
// decides.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { caseOf, holder } from './differential-hold.mjs'
import { oracleIn } from './differential-oracle.mjs'

const [dir, deviationsPath, sets, seed] = process.argv.slice(2)
const oracle = await oracleIn(dir)
const deviations = JSON.parse(readFileSync(deviationsPath, 'utf8'))

const listOf = (v) => (v === undefined ? [] : Array.isArray(v) ? v : [v])

// repaired returns policies with the changes of a fix made to them.
function repaired(policies, changes) {
  const after = policies.map((p) => ({ ...p, statements: listOf(p.document.Statement).slice() }))
  const inLayer = (c) => after.filter((p) => p.layer === c.layer && p.level === c.level)
  for (const c of changes) {
    if (c.kind === 'add') {
      let policy = inLayer(c).at(-1)
      if (!policy) {
        policy = { layer: c.layer, level: c.level, name: 'added', document: { Version: '2012-10-17' }, statements: [] }
        after.push(policy)
      }
      policy.statements.push(JSON.parse(c.statement))
      continue
    }
    const policy = inLayer(c).find((p) => p.name === c.name)
    if (!policy?.statements[c.index]) throw new Error(`there is no statement ${c.index} in ${c.layer} ${c.name}`)
    policy.statements[c.index] = c.kind === 'remove' ? undefined : JSON.parse(c.statement)
  }
  return after.map((p) => ({ ...p, document: { ...p.document, Statement: p.statements.filter(Boolean) } }))
}

const counts = { requests: 0, repairs: 0, 'allowed by a repair': 0, 'unchanged by a repair': 0 }
const { hold, report } = holder(deviations)

function ask(line) {
  const { id, principal, policies, denied, fixes } = line
  counts.requests++
  for (const r of denied) {
    const c = caseOf(id, principal, policies, r)
    const { decision } = oracle(c)
    hold(decision !== 'allowed', `ours denies, theirs is ${decision}`, [c])
  }
  for (const fix of fixes) {
    counts.repairs++
    const after = repaired(policies, fix.changes)
    for (const r of fix.allowed) {
      counts['allowed by a repair']++
      const c = caseOf(id, principal, after, r)
      const { decision } = oracle(c)
      hold(decision === 'allowed', `with "${fix.text}" theirs is ${decision}`, [c])
    }
    for (const r of fix.unchanged) {
      counts['unchanged by a repair']++
      const [was, is] = [policies, after].map((p) => caseOf(id, principal, p, r))
      const [a, b] = [oracle(was).decision, oracle(is).decision]
      hold(a === b, `"${fix.text}", of which "${fix.check}" is said, makes ${a} into ${b}`, [was, is])
    }
  }
}

const cases = spawn(join(dir, 'guard'), ['repairs', sets, seed], { stdio: ['ignore', 'pipe', 'inherit'] })
const ended = new Promise((resolve) => cases.on('close', resolve))
for await (const line of createInterface({ input: cases.stdout })) ask(JSON.parse(line))
const status = await ended
console.log(`seed ${seed}:`, counts)
const unexplained = report()
process.exit(status || unexplained || !counts.repairs ? 1 : 0)
