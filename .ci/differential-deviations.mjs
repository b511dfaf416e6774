// Says which cases a known deviation of the independent implementation covers.

const listOf = (v) => (v === undefined ? [] : Array.isArray(v) ? v : [v])

// documents yields every policy document of a case.
function documents(c) {
  const policies = [...c.identityPolicies, c.permissionBoundary, ...c.sessionPolicies, ...(c.endpointPolicies ?? []), ...c.scps.flat(), ...c.rcps.flat()]
  return policies.filter(Boolean).map((p) => p.document)
}

// lookup returns a context value, case of the key aside.
function lookup(c, key) {
  const name = Object.keys(c.context).find((k) => k.toLowerCase() === key.toLowerCase())
  return name === undefined ? undefined : c.context[name]
}

const rendered = (v) => (v === undefined ? '(absent)' : Array.isArray(v) ? JSON.stringify(v) : v)

// unresolved reports whether a variable of a text has neither a value nor a default.
function unresolved(c, text) {
  for (const [, inside] of text.matchAll(/\$\{([^}]*)\}/g)) {
    if (['*', '?', '$'].includes(inside) || / '.*'$/.test(inside)) continue
    const value = lookup(c, inside.split(',')[0].trim())
    if (typeof value !== 'string' || value === '') return true
  }
  return false
}

const escape = (text) => text.replace(/[.+^${}()|[\]\\]/g, '\\$&')
const regexp = (text, star) => new RegExp('^' + escape(text).replace(/\?/g, '.').replace(/\*/g, star) + '$', 'si')

// spansColons reports whether a "*" of the pattern matches beyond a colon.
function spansColons(c, pattern) {
  const want = pattern.split(':')
  const got = c.resource.split(':')
  if (pattern === '*' || got.length < 6) return false
  const parts = (p) => [...p.slice(0, 5), p.slice(5).join(':')]
  const oneByOne = want.length >= 6 && parts(want).every((w, i) => regexp(w, '.*').test(parts(got)[i]))
  return regexp(pattern, '.*').test(c.resource) && !oneByOne
}

// conditionFits compares one condition value with a deviation's description.
function conditionFits(when, c, operator, key, value) {
  return (
    (when.operator === undefined || new RegExp(when.operator).test(operator)) &&
    (when.value === undefined || new RegExp(when.value).test(String(value))) &&
    (when.context === undefined || new RegExp(when.context).test(rendered(lookup(c, key)))) &&
    (!when.unresolved || unresolved(c, String(value)))
  )
}

function resourceFits(when, c, element, value) {
  return (
    (when.element === undefined || when.element === element) &&
    (when.value === undefined || new RegExp(when.value).test(value)) &&
    (!when.unresolved || unresolved(c, value)) &&
    (!when.spansColons || spansColons(c, value))
  )
}

function documentFits(when, document) {
  const text = JSON.stringify(document)
  return (when.version === undefined || new RegExp(when.version).test(document.Version ?? '')) && (when.text === undefined || new RegExp(when.text).test(text))
}

// fits reports whether one description of a deviation applies somewhere in a case.
function fits(when, c) {
  return documents(c).some((document) => {
    if (when.document && !documentFits(when.document, document)) return false
    if (!when.condition && !when.resource) return true
    return listOf(document.Statement).some((s) => {
      const conditions = Object.entries(s.Condition ?? {}).flatMap(([op, block]) =>
        Object.entries(block).flatMap(([key, values]) => listOf(values).map((v) => [op, key, v]))
      )
      if (when.condition && conditions.some(([op, key, v]) => conditionFits(when.condition, c, op, key, v))) return true
      return ['Resource', 'NotResource'].some((el) => when.resource && listOf(s[el]).some((v) => resourceFits(when.resource, c, el, v)))
    })
  })
}

// explains reports whether a deviation can be the reason of a difference in a case.
export function explains(deviation, c) {
  return listOf(deviation.when).some((when) => fits(when, c))
}
