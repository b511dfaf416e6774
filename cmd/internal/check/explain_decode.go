package check

import (
	"context"
	"encoding/json"
	"time"

	"ssmguard/cmd/internal/awscli"
	"ssmguard/cmd/internal/awsconf"
	"ssmguard/cmd/internal/env"
	"ssmguard/guard/awsiam"
	"ssmguard/guard/finding"
	"ssmguard/internal/safetext"
)

// decodeTime bounds the call that decodes a message.
const decodeTime = 5 * time.Second

// decoded is an authorization message behind an encoded one, as described with
// sts:DecodeAuthorizationMessage.
type decoded struct {
	ExplicitDeny bool `json:"explicitDeny"`
	Context      struct {
		Principal struct {
			ARN string `json:"arn"`
		} `json:"principal"`
		Action   string `json:"action"`
		Resource string `json:"resource"`
	} `json:"context"`
}

// decode asks AWS what an encoded message says. Where there is no configuration
// or the caller may not decode it, the refusal stays as it is.
func decode(ctx context.Context, p *env.Process, r finding.Refusal) finding.Refusal {
	if r.Encoded == "" || r.Action != "" {
		return r
	}
	ctx, cancel := context.WithTimeout(ctx, decodeTime)
	defer cancel()
	conf, err := awsconf.Load(ctx, awsconf.Options{Globals: awscli.Globals{ReadTimeout: 60, ConnectTimeout: 60}, Files: p.AWSFiles()})
	if err != nil {
		return r
	}
	client := awsiam.New(conf.Config, awsiam.Options{})
	defer client.Close()
	text, err := client.DecodeMessage(ctx, r.Encoded)
	if err != nil {
		return r
	}
	var d decoded
	if err := json.Unmarshal([]byte(text), &d); err != nil || d.Context.Action == "" {
		return r
	}
	r.Encoded = ""
	r.User, r.Action, r.Resource = safetext.Line(d.Context.Principal.ARN), safetext.Line(d.Context.Action), safetext.Line(d.Context.Resource)
	r.Explicit = r.Explicit || d.ExplicitDeny
	return r
}
