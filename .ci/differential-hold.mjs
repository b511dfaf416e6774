// What .ci/differential's modes about guard have in common: requests as cases, and facts that hold or do not.
import { explains } from './differential-deviations.mjs'

// caseOf is one request with the policies that bear on it, as a case.
export function caseOf(id, principal, policies, r) {
  const of = (layer, level = 0) => (r.layers.includes(`${layer} ${level}`) ? policies.filter((p) => p.layer === layer && p.level === level) : [])
  const levels = (layer) => r.layers.filter((l) => l.startsWith(layer + ' ')).map((l) => of(layer, Number(l.split(' ')[1])))
  const account = principal.split(':')[4]
  return {
    id: `${id}: ${r.action} on ${r.resource}`,
    principal: { arn: principal, type: principal.includes(':user/') ? 'user' : 'role' },
    action: r.action,
    resource: r.resource,
    resourceAccount: r.resource.split(':')[4] === account ? account : '', // who shares a document is not asked
    context: r.context,
    identityPolicies: of('identity'),
    permissionBoundary: of('boundary')[0] ?? null,
    sessionPolicies: of('session'),
    endpointPolicies: of('endpoint'),
    scps: levels('scp'),
    rcps: levels('rcp'),
  }
}

// holder returns what counts facts that do not hold, as explained by a known deviation, or
// prints them; report prints the counts and returns how many were not explained.
export function holder(deviations) {
  const explained = {}
  let unexplained = 0
  const hold = (holds, what, cases) => {
    if (holds) return
    const why = deviations.find((d) => cases.some((c) => explains(d, c)))
    if (why) {
      explained[why.id] = (explained[why.id] ?? 0) + 1
    } else if (unexplained++ < 10) {
      console.log(`difference: ${what}\n${cases.map((c) => JSON.stringify(c)).join('\n')}`)
    }
  }
  const report = () => {
    console.log('differences explained by known deviations:', explained)
    console.log(`unexplained differences: ${unexplained}`)
    return unexplained
  }
  return { hold, report }
}
