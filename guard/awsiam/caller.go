package awsiam

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"

	"ssmguard/guard"
	"ssmguard/internal/awsapi"
)

// identity is who the credentials belong to, as far as STS and the credentials
// themselves tell.
type identity struct {
	SessionARN string
	Account    string
	UserID     string
	Temporary  bool   // session credentials, not long-term keys
	Source     string // which of the SDK's providers gave the credentials

	accessKey string // its id
}

// cacheKey names what is kept about the entity behind the identity. Sessions of
// one role share it, so that a role assumed anew for each run is known from the
// last; sessions of a user do not, since each may have used MFA or not.
func (id identity) cacheKey(a *connection, what string) string {
	p := principalOf(id)
	entityID, _, _ := strings.Cut(id.UserID, ":")
	session := ""
	if p.kind != guard.AssumedRole {
		session = id.accessKey
	}
	return a.cacheKey(what, p.pathless(), entityID, session, fmt.Sprint(originOf(id)))
}

// entity is what IAM says of the user or role behind an identity.
type entity struct {
	ARN      string // with its path
	Boundary string // ARN of the permissions boundary, "" for none
	Tags     map[string]string
	MFA      guard.MFA
}

// iamEntity is a user or role as IAM tells it.
type iamEntity struct {
	Arn      string
	Boundary string   `xml:"PermissionsBoundary>PermissionsBoundaryArn"`
	Tags     []iamTag `xml:"Tags>member"`
}

type iamTag struct{ Key, Value string }

// callerReader reads who the caller is.
type callerReader struct{ *connection }

// Caller asks who the credentials belong to and, of IAM, which user or role
// that is. The Caller is usable whenever its SessionARN is set: an error beside
// it is a *guard.NotVisible for the IAM read, and Caller.Unknown names what is
// missing. Without SessionARN the error is an *Error of sts:GetCallerIdentity.
func (c policyReader) Caller(ctx context.Context) (guard.Caller, error) {
	m := c.startCaller(ctx)
	id, err := m.caller.get(ctx, c.connection, c.readIdentity)
	if err != nil {
		return guard.Caller{}, wrap("sts:GetCallerIdentity", err)
	}
	e, err := m.entity.get(ctx, c.connection, c.readEntity)
	return callerOf(id, e, err), err
}

// startCaller starts the reads that need nothing but the credentials.
func (c policyReader) startCaller(ctx context.Context) *memo {
	m := c.current()
	m.caller.start(ctx, c.connection, c.readIdentity)
	m.entity.start(ctx, c.connection, c.readEntity)
	m.evidence.start(ctx, c.connection, c.readEvidence)
	return m
}

// callerOf joins what STS and IAM say; err is IAM's.
func callerOf(id identity, e entity, err error) guard.Caller {
	p := principalOf(id)
	g := guard.Caller{
		SessionARN: id.SessionARN,
		Principal:  e.ARN,
		Account:    id.Account,
		UserID:     id.UserID,
		Partition:  p.partition,
		Tags:       e.Tags,
		MFA:        e.MFA,
	}
	if err != nil {
		g.Unknown = append(g.Unknown, guard.UnknownPrincipalTags)
	}
	if originOf(id).sessionTags {
		g.Unknown = append(g.Unknown, guard.UnknownSessionTags)
	}
	return g
}

// readIdentity asks STS. It needs no permission and works even under an
// explicit deny.
func (c callerReader) readIdentity(ctx context.Context) (identity, error) {
	const op = "sts:GetCallerIdentity"
	if c.credentials == nil {
		return identity{}, &Error{Permission: op, Kind: KindCredentials, Message: "no credentials"}
	}
	creds, err := c.credentials.Retrieve(ctx)
	if err != nil {
		return identity{}, &Error{Permission: op, Kind: kindOfRetrieve(err), Message: rootText(err), Err: err}
	}
	key := c.cacheKey("identity", creds.AccessKeyID)
	var id identity
	if c.recall(key, &id) {
		id.accessKey = creds.AccessKeyID
		return id, nil
	}
	out, err := call[struct {
		Arn, Account string
		UserID       string `xml:"UserId"`
	}](ctx, c.connection, "", op, awsapi.Form{})
	if err != nil {
		return identity{}, err
	}
	id = identity{
		SessionARN: out.Arn,
		Account:    out.Account,
		UserID:     out.UserID,
		Temporary:  creds.SessionToken != "",
		Source:     creds.Source,
		accessKey:  creds.AccessKeyID,
	}
	if _, err := arn.Parse(id.SessionARN); err != nil {
		return identity{}, &Error{Permission: op, Kind: KindUnreachable, Message: "no usable answer: it holds no ARN", Err: err}
	}
	c.keep(key, id, identityAge)
	return id, nil
}

// kindOfRetrieve classifies a failure to get credentials: giving up is not a
// fault of the credentials, all else is.
func kindOfRetrieve(err error) Kind {
	if KindOf(err) == KindCanceled {
		return KindCanceled
	}
	return KindCredentials
}

// readEntity asks IAM for the user or role behind the identity. For callers
// that IAM has no entity for, or does not answer, it asks nothing.
func (c callerReader) readEntity(ctx context.Context) (entity, error) {
	id, err := c.current().caller.get(ctx, c.connection, c.readIdentity)
	if err != nil {
		return entity{}, err
	}
	p := principalOf(id)
	key := id.cacheKey(c.connection, "entity")
	var e entity
	if c.recall(key, &e) {
		return e, nil
	}
	switch p.kind {
	case guard.User:
		e, err = c.readUser(ctx, id, p)
	case guard.AssumedRole:
		e, err = c.readRole(ctx, p)
	case guard.Root:
		return entity{ARN: id.SessionARN, MFA: mfaOf(id)}, nil
	case guard.FederatedUser:
		return entity{}, &guard.NotVisible{Permission: "iam:GetUser", Resource: id.SessionARN, Cause: noIAM}
	default:
		return entity{}, &guard.NotVisible{Permission: "iam:GetUser", Resource: id.SessionARN, Cause: "not a principal that ssmguard knows"}
	}
	if err == nil {
		c.keep(key, e, identityAge)
	}
	return e, err
}

const noIAM = "credentials of sts:GetFederationToken may not call IAM"

func (c callerReader) readUser(ctx context.Context, id identity, p principal) (entity, error) {
	// A user's ARN is whole as STS reports it; a refusal takes only tags and boundary away.
	e := entity{ARN: id.SessionARN, MFA: mfaOf(id)}
	out, err := call[struct{ User *iamEntity }](ctx, c.connection, "", "iam:GetUser", awsapi.Form{"UserName": p.name})
	if id.Temporary {
		e.MFA = mfaFromIAM(id, err)
	}
	if err != nil || out.User == nil {
		return e, unseen("iam:GetUser", e.ARN, err)
	}
	e.Tags, e.Boundary = tagMap(out.User.Tags), out.User.Boundary
	return e, nil
}

func (c callerReader) readRole(ctx context.Context, p principal) (entity, error) {
	out, err := call[struct{ Role *iamEntity }](ctx, c.connection, "", "iam:GetRole", awsapi.Form{"RoleName": p.name})
	if err != nil || out.Role == nil {
		return entity{}, unseen("iam:GetRole", p.pathless(), err)
	}
	return entity{ARN: out.Role.Arn, Tags: tagMap(out.Role.Tags), Boundary: out.Role.Boundary}, nil
}

// mfaOf is what the credentials alone tell of MFA: long-term keys never carry it.
func mfaOf(id identity) guard.MFA {
	if id.Temporary {
		return guard.MFAUnknown
	}
	return guard.MFAAbsent
}

// mayBeConsole are the SDK's providers that may hand on the credentials of a
// console sign-in: CloudShell's, those of "aws login", and what a process prints.
var mayBeConsole = []string{endpointcreds.ProviderName, "LoginProvider", "ProcessProvider"}

// mfaFromIAM reads MFA off IAM's answer to a user's temporary credentials: those
// of GetSessionToken it serves only when MFA was used, and otherwise calls the
// token invalid; those of a console sign-in it serves in any case.
func mfaFromIAM(id identity, err error) guard.MFA {
	var own *Error
	switch {
	case err == nil && !slices.Contains(mayBeConsole, id.Source):
		return guard.MFATrue
	case asError(err, &own) && own.Code == "InvalidClientTokenId":
		return guard.MFAFalse
	}
	return guard.MFAUnknown
}

// unseen turns the failure of a read into a *guard.NotVisible when it was
// refused; a nil err stands for an answer without content.
func unseen(permission, resource string, err error) error {
	switch k := KindOf(err); {
	case err == nil:
		return &Error{Permission: permission, Kind: KindUnreachable, Message: "no usable answer: it is empty"}
	case k == KindDenied, k == KindCredentials, k == KindNotFound:
		return &guard.NotVisible{Permission: permission, Resource: resource, Cause: causeText(err)}
	}
	return err
}

// causeText is AWS's own word without the call's name, which NotVisible has already.
func causeText(err error) string {
	var own *Error
	if !asError(err, &own) {
		return rootText(err)
	}
	text := own.Message
	if own.Code != "" {
		text = own.Code + ": " + text
	}
	return strings.Join(strings.Fields(text), " ")
}

// principal is what the ARN of an identity says of the IAM entity behind it.
type principal struct {
	kind      guard.Kind
	partition string
	account   string
	name      string // user or role name, without path
	session   string // role session name
}

// principalOf reads the ARN forms of sts:GetCallerIdentity: user/PATH/NAME,
// assumed-role/NAME/SESSION, federated-user/NAME and root.
func principalOf(id identity) principal {
	a, err := arn.Parse(id.SessionARN)
	if err != nil {
		return principal{}
	}
	p := principal{partition: a.Partition, account: a.AccountID}
	parts := strings.Split(a.Resource, "/")
	switch {
	case a.Service == "iam" && a.Resource == "root":
		p.kind = guard.Root
	case a.Service == "iam" && parts[0] == "user" && len(parts) > 1:
		p.kind, p.name = guard.User, parts[len(parts)-1]
	case a.Service == "sts" && parts[0] == "assumed-role" && len(parts) > 2:
		p.kind, p.name, p.session = guard.AssumedRole, parts[1], strings.Join(parts[2:], "/")
	case a.Service == "sts" && parts[0] == "federated-user" && len(parts) > 1:
		p.kind, p.name = guard.FederatedUser, parts[1]
	}
	return p
}

// pathless is the principal's IAM ARN if it had no path.
func (p principal) pathless() string {
	kind := "role"
	if p.kind == guard.User {
		kind = "user"
	}
	return "arn:" + p.partition + ":iam::" + p.account + ":" + kind + "/" + p.name
}

// label names the principal as a user would: role/dev, user/ann.
func (p principal) label() string {
	switch p.kind {
	case guard.User:
		return "user/" + p.name
	case guard.AssumedRole:
		return "role/" + p.name
	}
	return p.name
}

// ssoPrefix starts the name of every role that IAM Identity Center makes.
const ssoPrefix = "AWSReservedSSO_"

// homeRegions are the regions Identity Center instances usually live in, tried
// when a permission set's role cannot be read. In us-east-1 the path has no
// region.
var homeRegions = []string{
	"us-east-1", "us-west-2", "us-east-2", "eu-west-1", "eu-central-1", "eu-west-2",
	"ap-southeast-2", "ap-northeast-1", "ap-southeast-1", "ca-central-1",
}

// candidates returns the IAM ARNs the principal may have when its path could
// not be read, the likelier first. region is the request's.
func (p principal) candidates(region string) []string {
	if p.kind != guard.AssumedRole || !strings.HasPrefix(p.name, ssoPrefix) {
		return []string{p.pathless()}
	}
	regions := homeRegions
	if p.partition != "aws" {
		regions = nil
	}
	regions = append([]string{region}, slices.DeleteFunc(slices.Clone(regions), func(r string) bool { return r == region })...)
	var arns []string
	for _, r := range regions {
		path := "aws-reserved/sso.amazonaws.com/"
		if r != "us-east-1" {
			path += r + "/"
		}
		arns = append(arns, "arn:"+p.partition+":iam::"+p.account+":role/"+path+p.name)
	}
	return arns
}
