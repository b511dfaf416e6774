// The independent implementation that .ci/differential compares with, npm's
// @cloud-copilot/iam-simulate.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

// oracleIn returns the function that decides a case by the implementation that is
// installed in a directory.
export async function oracleIn(dir) {
  const modules = join(dir, 'node_modules/@cloud-copilot')
  const load = (path) => import(pathToFileURL(join(modules, path)))
  const { analyzeIdentityPolicies, analyzeControlPolicies } = await load('iam-simulate/dist/esm/core_engine/CoreSimulatorEngine.js')
  const { AwsRequestImpl } = await load('iam-simulate/dist/esm/request/request.js')
  const { RequestContextImpl } = await load('iam-simulate/dist/esm/requestContext.js')
  const { DiscoveryContextKeyConstraints } = await load('iam-simulate/dist/esm/context_keys/discoveryContextKeyConstraints.js')
  const { loadPolicy } = await load('iam-policy/dist/esm/index.js')

  const parameters = { simulationMode: 'Strict', discoveryContextKeyConstraints: new DiscoveryContextKeyConstraints([]) }
  const fullAccess = { name: '', document: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: '*', Action: '*', Resource: '*' }] } }

  const loaded = new WeakMap()

  // A case is decided layer by layer.
  return function oracle(c) {
    const request = new AwsRequestImpl(
      c.principal.arn,
      { resource: c.resource, accountId: c.resourceAccount },
      c.action,
      new RequestContextImpl(c.context),
      c.resource === '*'
    )
    const policy = (p) => {
      if (!loaded.has(p)) loaded.set(p, loadPolicy(p.document, { name: p.name }))
      return loaded.get(p)
    }
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
    if (c.endpointPolicies?.length) layers.push(...plain(c.endpointPolicies, 'vpce'))
    layers.push(...levels(c.scps, 'scp', []), ...levels(c.rcps, 'rcp', [fullAccess]))
    const all = (list) => layers.flatMap((l) => l[list]).filter((s) => s.policyId !== '')
    const matched = (list) => all(list).map((s) => ({ policy: s.policyId, statement: s.statement.sid() || s.statement.index() - 1 }))
    const account = c.principal.arn.split(':')[4]
    if (all('denyStatements').length) return { decision: 'explicitDeny', matched: matched('denyStatements') }
    if (c.resourceAccount && c.resourceAccount !== account) return { decision: 'implicitDeny', matched: [] }
    if (layers.every((l) => l.allowStatements.length)) return { decision: 'allowed', matched: matched('allowStatements') }
    return { decision: 'implicitDeny', matched: [] }
  }
}
