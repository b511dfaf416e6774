// Seeded random cases in the format case-v1 for .ci/differential.

// random returns a generator of numbers in [0, 1) (mulberry32).
export function random(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

const accounts = ['111122223333', '444455556666']
const regions = ['us-east-1', 'us-west-2', 'eu-central-1', 'ap-southeast-2']
const words = ['Prod', 'dev', 'data', 'platform', 'web-ops', 'web.ops', 'c++', 'cc', 'a*b', 'aXb', '(x|y)', 'cost$10', 'what!', 'two words', 'ünïcode', '日本']
const plainWords = words.filter((w) => !w.includes('*')) // a request's ARN holds no wildcard
const users = ['alice', 'Bob', 'carol-ops', 'carol.ops', 'dave+ops@example.com']
const dates = ['2026-01-03T22:46:53Z', '2026-03-14T08:25:53Z', '2026-03-14T09:26:53Z', '2026-03-14T09:27:53Z', '2026-05-22T20:06:53Z']
const numbers = ['0', '300', '900', '3600', '59.5', '86400']
const services = ['ssm.amazonaws.com', 'athena.amazonaws.com', 'cloudformation.amazonaws.com']
const addresses = ['203.0.113.7', '203.0.113.250', '198.51.100.4', '2001:db8::1', '2001:DB8:1234:5678::9', '10.0.0.5', '172.31.9.9']
const networks = ['203.0.113.0/24', '203.0.113.128/25', '203.0.0.0/8', '198.51.100.4/32', '10.0.0.0/8', '172.16.0.0/12', '2001:db8::/32', '2001:db8::/127', '192.0.2.0/24', '203.0.113.7', '2001:db8::1']
const binaries = ['AAAA', 'AQIDBA==', 'c3NtZ3VhcmQ=']

const actions = [
  ['ssm:StartSession', 'ec2', 'instance/i-'], ['ssm:StartSession', 'ssm', 'document/'], ['ssm:StartSession', 'ssm', 'managed-instance/mi-'],
  ['ssm:ResumeSession', 'ssm', 'session/'], ['ssm:TerminateSession', 'ssm', 'session/'], ['ssm:SendCommand', 'ec2', 'instance/i-'],
  ['ecs:ExecuteCommand', 'ecs', 'task/'], ['s3:PutObject', 's3', ''], ['ssm:DescribeSessions', '*'], ['ssm:DescribeInstanceInformation', '*'],
  ['ssmmessages:OpenDataChannel', 'ssm', 'session/'],
]
const otherActions = ['ssm:GetParameter', 'ssm:GetDocument', 'ec2:StartInstances', 's3:GetObject', 'sqs:SendMessage']

// keys: name, kind of value, whether it holds several
const keys = [
  ['aws:userid', 'text'], ['aws:username', 'text'], ['aws:PrincipalTag/team', 'text'], ['aws:PrincipalTag/Env', 'text'], ['aws:PrincipalOrgID', 'text'],
  ['aws:SourceIdentity', 'text'], ['ssm:resourceTag/Name', 'text'], ['aws:ResourceTag/aws:cloudformation:stack-name', 'text'], ['aws:UserAgent', 'text'],
  ['aws:RequestedRegion', 'text'], ['aws:PrincipalTag/digest', 'binary'], ['aws:MultiFactorAuthAge', 'number'], ['aws:EpochTime', 'epoch'],
  ['aws:CurrentTime', 'date'], ['aws:TokenIssueTime', 'date'], ['aws:MultiFactorAuthPresent', 'bool'], ['aws:SecureTransport', 'bool'],
  ['ssm:SessionDocumentAccessCheck', 'bool'], ['aws:SourceIp', 'ip'], ['aws:VpcSourceIp', 'ip'], ['aws:PrincipalArn', 'arn'], ['aws:SourceArn', 'arn'],
  ['aws:CalledVia', 'text', true], ['aws:PrincipalOrgPaths', 'text', true], ['aws:TagKeys', 'text', true],
]
const operators = {
  text: ['StringEquals', 'StringNotEquals', 'StringEqualsIgnoreCase', 'StringNotEqualsIgnoreCase', 'StringLike', 'StringNotLike'],
  binary: ['BinaryEquals'],
  number: ['Equals', 'NotEquals', 'LessThan', 'LessThanEquals', 'GreaterThan', 'GreaterThanEquals'].map((o) => 'Numeric' + o),
  date: ['Equals', 'NotEquals', 'LessThan', 'LessThanEquals', 'GreaterThan', 'GreaterThanEquals'].map((o) => 'Date' + o),
  bool: ['Bool'],
  ip: ['IpAddress', 'NotIpAddress'],
  arn: ['ArnEquals', 'ArnLike', 'ArnNotEquals', 'ArnNotLike', 'StringLike'],
}
operators.epoch = [...operators.number, ...operators.date]

// Generator makes the cases of one profile.
export class Generator {
  constructor(profile, seed) {
    this.profile = profile
    this.r = random(seed)
    this.n = 0
  }

  chance(p) {
    return this.r() < p
  }

  pick(list) {
    return list[Math.floor(this.r() * list.length)]
  }

  some(list, low, high) {
    return Array.from({ length: low + Math.floor(this.r() * (high - low + 1)) }, () => this.pick(list))
  }

  next() {
    this.n++
    const [action, service, type] = this.pick(actions)
    this.account = this.pick(accounts)
    this.region = this.pick(regions)
    this.user = this.pick(users)
    this.action = action
    this.resource = this.resourceOf(service, type)
    const kind = this.pick(['user', 'role', 'role', 'user', 'federated', 'root'])
    const c = {
      id: `${this.profile}-${this.n}`,
      principal: { arn: this.principalOf(kind), type: kind },
      action,
      resource: this.resource,
      resourceAccount: this.owner,
      context: (this.context = this.contextOf()),
      identityPolicies: kind === 'root' ? [] : this.policies('identity', 1, 2),
      permissionBoundary: null,
      sessionPolicies: [],
      scps: [],
      rcps: [],
    }
    if (this.profile === 'layers' || (this.profile === 'all' && this.chance(0.4))) this.addLayers(c, kind)
    return c
  }

  addLayers(c, kind) {
    if (kind !== 'root' && this.chance(0.5)) c.permissionBoundary = this.policies('boundary', 1, 1)[0]
    if (kind !== 'root' && this.chance(0.4)) c.sessionPolicies = this.policies('session', 1, 2)
    const levels = (name) => Array.from({ length: Math.floor(this.r() * 4) }, (_, i) => this.policies(`${name}${i}`, 1, 2))
    c.scps = levels('scp')
    c.rcps = levels('rcp')
  }

  principalOf(kind) {
    const a = this.account
    switch (kind) {
      case 'user':
        return `arn:aws:iam::${a}:user/${this.user}`
      case 'role':
        return `arn:aws:sts::${a}:assumed-role/${this.pick(['Dev', 'Dev-Role', 'SSMOperator'])}/${this.user}`
      case 'federated':
        return `arn:aws:sts::${a}:federated-user/${this.user}`
    }
    return `arn:aws:iam::${a}:root`
  }

  hex(n) {
    return Array.from({ length: n }, () => this.pick([...'0123456789abcdef'])).join('')
  }

  resourceOf(service, type) {
    this.owner = this.account
    if (service === '*') return '*'
    if (service === 's3') return `arn:aws:s3:::${this.pick(['dev', 'web-ops', 'web.ops'])}-session-logs/${this.user}/${this.hex(8)}.log`
    let id = type + this.hex(17)
    if (type === 'session/') id = `session/${this.pick([this.user, `AROAEXAMPLEROLE00001:${this.user}`])}-${this.hex(17)}`
    if (type === 'task/') id = `task/${this.pick(plainWords)}-cluster/${this.hex(32)}`
    if (type === 'document/') id = `document/${this.pick(['SSM-SessionManagerRunShell', 'AWS-StartSSHSession', `Company-${this.pick(plainWords)}`])}`
    if (id.startsWith('document/AWS-')) this.owner = ''
    else if (this.profile !== 'basic' && this.chance(0.05)) this.owner = '999999999999'
    return `arn:aws:${service}:${this.region}:${this.owner}:${id}`
  }

  value(kind, many) {
    const one = () => {
      switch (kind) {
        case 'number':
          return this.pick(numbers)
        case 'epoch':
          return String(Date.parse(this.pick(dates)) / 1000)
        case 'date':
          return this.pick(dates)
        case 'bool':
          return this.pick(['true', 'false'])
        case 'ip':
          return this.pick(addresses)
        case 'binary':
          return this.pick(binaries)
        case 'arn':
          return `arn:aws:${this.pick(['iam', 'ec2'])}::${this.pick(accounts)}:${this.pick(['user/', 'role/ops/', 'instance/i-'])}${this.pick(users)}`
      }
      return this.pick(many ? services : [...words, this.user, this.account, this.region])
    }
    return many ? [...new Set([one(), one()])] : one()
  }

  contextOf() {
    const c = {}
    for (const [name, kind, many] of keys) if (this.chance(0.6)) c[name] = this.value(kind, many)
    return c
  }

  policies(name, low, high) {
    const n = low + Math.floor(this.r() * (high - low + 1))
    return Array.from({ length: n }, (_, i) => ({ name: `${name}-${i}`, document: this.document(name) }))
  }

  document(layer) {
    const rcp = layer.startsWith('rcp')
    const list = Array.from({ length: 1 + Math.floor(this.r() * 3) }, (_, i) => this.statement(layer, i))
    const version = rcp ? '2012-10-17' : this.pick(['2012-10-17', '2012-10-17', '2012-10-17', '2012-10-17', '2012-10-17', '2008-10-17', undefined])
    const variables = this.profile === 'variables' || (this.profile === 'all' && this.chance(0.9))
    return { ...(version || variables ? { Version: variables ? '2012-10-17' : version } : {}), Statement: list.length === 1 && this.chance(0.5) ? list[0] : list }
  }

  statement(layer, i) {
    const rcp = layer.startsWith('rcp')
    const s = { Effect: rcp || this.chance(0.35) ? 'Deny' : 'Allow' }
    if (this.chance(0.3)) s.Sid = `S${i}${this.hex(3)}`
    if (rcp) s.Principal = '*'
    const not = (p) => (!rcp && this.chance(p) ? 'Not' : '')
    s[not(0.12) + 'Action'] = this.oneOrMore(() => this.actionPattern(rcp))
    s[not(0.15) + 'Resource'] = this.oneOrMore(() => this.resourcePattern())
    if (this.profile !== 'basic' && this.chance(0.6)) s.Condition = this.conditions()
    return s
  }

  oneOrMore(f) {
    return this.chance(0.4) ? f() : Array.from({ length: 1 + Math.floor(this.r() * 3) }, f)
  }

  // swapCase changes the case of some letters.
  swapCase(text) {
    return [...text].map((c) => (this.chance(0.5) ? c.toUpperCase() : c.toLowerCase())).join('')
  }

  // blur replaces a piece of text by a wildcard.
  blur(text) {
    if (text.length < 2) return text
    const from = Math.floor(this.r() * text.length)
    const to = from + Math.floor(this.r() * (text.length - from + 1))
    const wild = this.chance(0.3) ? '?'.repeat(Math.min(to - from, 4)) : '*'
    return text.slice(0, from) + wild + text.slice(wild === '*' ? to : from + wild.length)
  }

  actionPattern(rcp) {
    let a = this.chance(0.7) ? this.action : this.pick(otherActions)
    const [service, name] = a.split(':')
    switch (Math.floor(this.r() * 6)) {
      case 0:
        return rcp ? `${service}:*` : '*'
      case 1:
        return `${service}:${this.blur(name)}`
      case 2:
        return `${service}:*`
      case 3:
        return this.swapCase(service) + ':' + this.swapCase(name)
    }
    return a
  }

  resourcePattern() {
    if (this.chance(0.25)) return '*'
    if (this.resource === '*') return `arn:aws:ssm:${this.region}:${this.account}:*`
    const part = this.resource.split(':')
    if (this.profile === 'all' && this.chance(0.05)) return this.oddPattern(part)
    const head = part.slice(0, 5)
    let rest = part.slice(5).join(':')
    if (head[2] !== 's3') {
      if (this.chance(0.3)) head[3] = this.pick(['*', head[3].slice(0, 3) + '*', this.blur(head[3]), this.swapCase(head[3]), 'ca-west-1'])
      if (this.chance(0.3)) head[4] = this.pick(['*', '????????????', '999999999999', ''])
      if (this.chance(0.1)) head[2] = 'ssmmessages'
    }
    const slash = head[2] === 's3' ? 0 : rest.indexOf('/') + 1
    const [type, id] = [rest.slice(0, slash), rest.slice(slash)]
    switch (Math.floor(this.r() * 6)) {
      case 0:
        return [...head, type + '*'].join(':')
      case 1:
        return [...head, type + this.blur(id)].join(':')
      case 2:
        if (this.profile === 'variables' || this.profile === 'all') return [...head, type + this.variable() + this.pick(['', '*', '-*'])].join(':')
        return [...head, type + this.blur(this.blur(id))].join(':')
      case 3:
        return [...head, type + this.swapCase(id)].join(':')
      case 4:
        return this.chance(0.5) ? [...head, type + id].join(':') : [...head, 'other/' + id].join(':')
    }
    return [...head, type + id].join(':')
  }

  // oddPattern is one of the forms that the known deviations are about.
  oddPattern(part) {
    const rest = part.slice(5).join(':')
    const type = rest.slice(0, rest.indexOf('/') + 1)
    return this.pick([
      [...part.slice(0, 3), '*', type + '*'].join(':'),
      part.slice(0, 3).join(':'),
      [...part.slice(0, 3), '*'].join(':'),
      [...part.slice(0, 5), '*/*'].join(':'),
      [...part.slice(0, 5), this.blur(type) + '*'].join(':'),
    ])
  }

  variable() {
    const name = this.chance(0.15) ? 'aws:PrincipalTag/absent' : this.pick(keys)[0]
    switch (Math.floor(this.r() * 7)) {
      case 0:
        return '${' + this.swapCase(name) + '}'
      case 1:
        return '${' + name + `, '${this.pick(['dev', 'Prod', this.user])}'}`
      case 2:
        return this.profile === 'all' ? this.pick(['${*}', '${?}', '${$}']) : '${' + name + '}'
    }
    return '${' + name + '}'
  }

  conditions() {
    const block = {}
    for (let n = 1 + Math.floor(this.r() * 2); n > 0; n--) {
      const [name, kind, many] = this.pick(keys)
      const key = this.chance(0.15) ? this.swapCase(name) : name
      if (this.chance(0.12)) {
        block.Null = { [key]: this.pick(['true', 'false', true, false]) }
        continue
      }
      let op = this.pick(operators[kind])
      const plain = !many && this.chance(0.93)
      if (!plain) op = this.pick(['ForAllValues:', 'ForAnyValue:']) + op
      if (this.chance(0.2) && !op.startsWith('ForAny')) op += 'IfExists'
      block[op] = { ...block[op], [key]: this.oneOrMore(() => this.conditionValue(op, kind, name, many)) }
    }
    return block
  }

  conditionValue(op, kind, name, many) {
    const have = this.context[name]
    const near = have === undefined ? this.value(kind, false) : Array.isArray(have) ? this.pick(have) : have
    if (/Bool/.test(op)) return this.pick(['true', 'false', true, false])
    if (/Numeric/.test(op)) {
      const n = Number(near) + this.pick([0, 0, 1, -1, 600])
      return this.pick([n, String(n), n.toFixed(1)])
    }
    if (/Date/.test(op)) return this.dateNear(kind, near)
    if (/Ip/.test(op)) return this.pick(networks)
    if (/Binary/.test(op)) return this.pick([near, ...binaries])
    if (/Arn/.test(op)) return this.arnNear(near)
    const variables = (this.profile === 'variables' || this.profile === 'all') && !/^For.*String(Not)?Equals/.test(op)
    if (variables && this.chance(0.4)) return this.variable() + this.pick(['', '', '-x', ...(/Like/.test(op) ? ['*'] : [])])
    switch (Math.floor(this.r() * 6)) {
      case 0:
        return this.swapCase(near)
      case 1:
        return /Like/.test(op) ? this.blur(near) : near
      case 2:
        return near + 'x'
      case 3:
        return 'other'
    }
    return near
  }

  dateNear(kind, near) {
    const at = kind === 'epoch' ? Number(near) : Date.parse(near) / 1000
    const moved = at + this.pick([0, 0, 1, -1, 60, -86400])
    if (kind === 'epoch') return String(moved)
    const iso = new Date(moved * 1000).toISOString()
    return this.pick([iso, iso.replace('.000Z', 'Z'), iso.replace('.000Z', '+00:00'), iso.slice(0, 10), iso.slice(0, 16) + 'Z'])
  }

  arnNear(near) {
    const part = near.split(':')
    if (this.chance(0.3)) part[3] = this.pick(['*', 'us-*', ''])
    if (this.chance(0.3)) part[4] = this.pick(['*', '????????????', '999999999999'])
    if (this.chance(0.4)) part[5] = this.pick(['*', this.blur(part[5]), part[5] + 'x'])
    return part.join(':')
  }
}
