// Asks the independent implementation about proofs and counterexamples, for .ci/differential
// --prove: DIRECTORY DEVIATIONS COUNTEREXAMPLES SEED. What differential-guard writes is asked
// here, of the policies as they are written down: nothing of the program under test decides.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { caseOf, holder } from './differential-hold.mjs'
import { oracleIn } from './differential-oracle.mjs'

const [dir, deviationsPath, wanted, seed] = process.argv.slice(2)
const oracle = await oracleIn(dir)
const { hold, report } = holder(JSON.parse(readFileSync(deviationsPath, 'utf8')))
const counts = { 'counterexamples to a denial': 0, 'counterexamples to an allow': 0, 'proofs of a denial': 0, 'proofs of an allow': 0, 'requests of proofs': 0, 'not decided': 0 }

function ask({ id, claim, open, requests, principal, policies }) {
  if (open) {
    counts['not decided']++
    return
  }
  const proven = requests.length > 1
  counts[`${proven ? 'proofs of' : 'counterexamples to'} ${claim === 'denied' ? 'a denial' : 'an allow'}`]++
  for (const grants of requests) {
    if (proven) counts['requests of proofs']++
    const cases = grants.map((g) => caseOf(id, principal, policies, g))
    const decisions = cases.map((c) => oracle(c).decision)
    const allowed = decisions.every((d) => d === 'allowed')
    hold(allowed === ((claim === 'allowed') === proven), `${proven ? 'proven' : 'not so'}: ${claim}, theirs: ${decisions}`, cases)
  }
}

const lines = spawn(join(dir, 'guard'), ['proofs', wanted, seed], { stdio: ['ignore', 'pipe', 'inherit'] })
const ended = new Promise((resolve) => lines.on('close', resolve))
for await (const line of createInterface({ input: lines.stdout })) ask(JSON.parse(line))
const status = await ended
console.log(`seed ${seed}:`, counts)
const unexplained = report()
process.exit(status || unexplained || !counts['proofs of a denial'] || !counts['counterexamples to a denial'] ? 1 : 0)
