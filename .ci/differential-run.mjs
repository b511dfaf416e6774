// Runs the comparison of .ci/differential: DIRECTORY DEVIATIONS CASES|managed SEED.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Generator } from './differential-cases.mjs'
import { explains } from './differential-deviations.mjs'
import { managedCases } from './differential-managed.mjs'

const [dir, deviationsPath, total, seed] = process.argv.slice(2)
const modules = join(dir, 'node_modules/@cloud-copilot')
const load = (path) => import(pathToFileURL(join(modules, path)))
const { analyzeIdentityPolicies, analyzeControlPolicies } = await load('iam-simulate/dist/esm/core_engine/CoreSimulatorEngine.js')
const { AwsRequestImpl } = await load('iam-simulate/dist/esm/request/request.js')
const { RequestContextImpl } = await load('iam-simulate/dist/esm/requestContext.js')
const { DiscoveryContextKeyConstraints } = await load('iam-simulate/dist/esm/context_keys/discoveryContextKeyConstraints.js')
const { loadPolicy } = await load('iam-policy/dist/esm/index.js')

const parameters = { simulationMode: 'Strict', discoveryContextKeyConstraints: new DiscoveryContextKeyConstraints([]) }
const fullAccess = { name: '', document: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: '*', Action: '*', Resource: '*' }] } }

// oracle decides a case by the independent implementation, layer by layer.
function oracle(c) {
  const request = new AwsRequestImpl(
    c.principal.arn,
    { resource: c.resource, accountId: c.resourceAccount },
    c.action,
    new RequestContextImpl(c.context),
    c.resource === '*'
  )
  const policy = (p) => loadPolicy(p.document, { name: p.name })
  const plain = (list, type) => [analyzeIdentityPolicies(list.map(policy), request, parameters, type)]
  const levels = (list, type, extra) =>
    analyzeControlPolicies(
      list.map((l, i) => ({ orgIdentifier: String(i), policies: [...l, ...extra].map(policy) })),
      request,
      parameters,
      type
    ).ouAnalysis
  const layers = []
  if (c.principal.type !== 'root') layers.push(...plain(c.identityPolicies, 'identity'))
  if (c.permissionBoundary) layers.push(...plain([c.permissionBoundary], 'pb'))
  if (c.sessionPolicies.length) layers.push(...plain(c.sessionPolicies, 'session'))
  layers.push(...levels(c.scps, 'scp', []), ...levels(c.rcps, 'rcp', [fullAccess]))
  const all = (list) => layers.flatMap((l) => l[list]).filter((s) => s.policyId !== '')
  const matched = (list) => all(list).map((s) => ({ policy: s.policyId, statement: s.statement.sid() || s.statement.index() - 1 }))
  const account = c.principal.arn.split(':')[4]
  if (all('denyStatements').length) return { decision: 'explicitDeny', matched: matched('denyStatements') }
  if (c.resourceAccount && c.resourceAccount !== account) return { decision: 'implicitDeny', matched: [] }
  if (layers.every((l) => l.allowStatements.length)) return { decision: 'allowed', matched: matched('allowStatements') }
  return { decision: 'implicitDeny', matched: [] }
}

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
