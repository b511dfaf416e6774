package check

import (
	"cmp"
	"context"

	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/report"
	"ssmguard/configs"
	"ssmguard/guard"
	"ssmguard/guard/prove"
)

// each proves the claims of a file. Its policies are read once for each principal that is named.
func (o *proveOptions) each(ctx context.Context) error {
	file, err := configs.LoadClaims(o.claims, kindNames())
	if err != nil {
		return exit.WithCode(err, exit.Config)
	}
	var proofs []report.Proof
	for _, claim := range file.Claims {
		one := *o
		one.files.Expect, one.files.TargetTags, one.without = claim.Expect, claim.Where, claim.WhereNot
		one.files.Principal = cmp.Or(claim.Principal, file.Principal, o.files.Principal)
		one.files.Files = policyFiles(file.Policies)
		one.files.Context = o.files.Context
		if claim.Context != nil {
			one.files.Context = claim.Context
		}
		one.kinds = nil
		for _, kind := range claim.Kinds {
			one.kinds = append(one.kinds, prove.Kind(kind))
		}
		in, err := one.ranges()
		if err != nil {
			return err
		}
		in.Request.Target, in.Request.Document = claim.Target, claim.Document
		in.Request.Region = cmp.Or(in.Request.Region, file.Region, guard.ArnField(claim.Document, guard.FieldRegion))
		set, err := one.policies(ctx, &in)
		if err != nil {
			return err
		}
		proof, err := set.proof(ctx, claim.Name, one.claim(in), one.decide(set.Set, in))
		if err != nil {
			return err
		}
		proofs = append(proofs, proof)
	}
	o.files.Files = policyFiles(file.Policies)
	return o.tell(proofs...)
}
