// Asks npm's @cloud-copilot/iam-simulate about some sessions, and says how long that took: by its
// documented function, as whoever uses it would, and by its engine alone.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { oracleIn } from './differential-oracle.mjs'

const [dir, file] = process.argv.slice(2)
const { runSimulation } = await import(pathToFileURL(join(dir, 'node_modules/@cloud-copilot/iam-simulate/dist/esm/index.js')))
const engine = await oracleIn(dir)
const { account, policies, requests } = JSON.parse(readFileSync(file))

// What a session takes: the target, and where that is allowed the document.
const grants = (r) => [
  { resource: r.target, context: { 'ssm:resourceTag/team': r.team, 'aws:ResourceTag/team': r.team } },
  { resource: r.document, context: {} }
]

async function documented(r) {
  for (const g of grants(r)) {
    const result = await runSimulation({
      request: { principal: r.principal, action: 'ssm:StartSession', resource: { resource: g.resource, accountId: account }, contextVariables: g.context },
      identityPolicies: policies[r.set].map((p) => ({ name: p.name, policy: p.document })),
      serviceControlPolicies: [], resourceControlPolicies: []
    }, {})
    if (result.resultType === 'error') {
      // The function knows no document without an account, which is what AWS's own are; the engine does.
      if (result.errors.message !== 'no.resource.types' || !g.resource.includes('::document/')) throw new Error(JSON.stringify(result.errors))
      if (!byEngine(r, g)) return false
    } else if (result.overallResult !== 'Allowed') return false
  }
  return true
}

function byEngine(r, g) {
  const c = { principal: { arn: r.principal, type: 'role' }, action: 'ssm:StartSession', resource: g.resource, resourceAccount: account, context: g.context,
    identityPolicies: policies[r.set], permissionBoundary: null, sessionPolicies: [], scps: [], rcps: [] }
  return engine(c).decision === 'allowed'
}

const alone = (r) => grants(r).every((g) => byEngine(r, g))

async function timed(decide) {
  for (const r of requests.slice(0, 100)) await decide(r) // what is loaded once
  const begin = process.hrtime.bigint(), used = process.cpuUsage()
  const allowed = []
  for (const r of requests) allowed.push(await decide(r))
  const { user, system } = process.cpuUsage(used)
  return { seconds: Number(process.hrtime.bigint() - begin) / 1e9, processor: (user + system) / 1e6, allowed }
}

console.log(JSON.stringify({ documented: await timed(documented), engine: await timed(async (r) => alone(r)) }))
