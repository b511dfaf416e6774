package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	orgtypes "github.com/aws/aws-sdk-go-v2/service/organizations/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"ssmguard/internal/sandbox"
	"ssmguard/internal/sandbox/sandboxtest"
	"ssmguard/internal/sandbox/world"
)

// sdk is a configuration of the AWS SDK for one login, through the profiles the sandbox writes.
func sdk(t *testing.T, s *sandbox.Sandbox, login string) aws.Config {
	t.Helper()
	for _, v := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION", "AWS_ENDPOINT_URL"} {
		t.Setenv(v, "")
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	c, err := config.LoadDefaultConfig(t.Context(), config.WithSharedConfigProfile(login),
		config.WithSharedConfigFiles([]string{s.Files.Config()}), config.WithSharedCredentialsFiles([]string{s.Files.Credentials()}),
		config.WithRetryMaxAttempts(1))
	if err != nil {
		t.Fatal(err)
	}
	c.HTTPClient = wholeAnswers{}
	return c
}

// wholeAnswers reads an answer before the SDK closes the body of its request: when
// the server is as near as here, that may close the connection under the answer.
type wholeAnswers struct{ http.Client }

func (c wholeAnswers) Do(r *http.Request) (*http.Response, error) {
	resp, err := c.Client.Do(r)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(data))
	return resp, err
}

// The SDK understands what the account answers, service by service.
func TestSDKReadsAnswers(t *testing.T) {
	s := sandboxtest.Served(t, "default")
	c, ctx := sdk(t, s, "carol"), t.Context()

	identity, err := sts.NewFromConfig(c).GetCallerIdentity(ctx, nil)
	if err != nil || aws.ToString(identity.Arn) != "arn:aws:iam::111122223333:user/carol" {
		t.Errorf("GetCallerIdentity: %+v, %v", identity, err)
	}
	role, err := iam.NewFromConfig(c).GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("deploy")})
	if err != nil || aws.ToString(role.Role.Arn) != "arn:aws:iam::111122223333:role/team/platform/deploy" {
		t.Errorf("GetRole: %+v, %v", role, err)
	}
	simulated, err := iam.NewFromConfig(c).SimulatePrincipalPolicy(ctx, &iam.SimulatePrincipalPolicyInput{
		PolicySourceArn: role.Role.Arn, ActionNames: []string{"ssm:StartSession"},
		ResourceArns:   []string{"arn:aws:ssm:ap-northeast-1::document/AWS-StartPortForwardingSession"},
		ContextEntries: []iamtypes.ContextEntry{{ContextKeyName: aws.String("aws:RequestedRegion"), ContextKeyType: "string", ContextKeyValues: []string{"ap-northeast-1"}}},
	})
	if err != nil || simulated.EvaluationResults[0].EvalDecision != "allowed" || len(simulated.EvaluationResults[0].ResourceSpecificResults) != 1 {
		t.Errorf("SimulatePrincipalPolicy: %+v, %v", simulated, err)
	}
	instances, err := ec2.NewFromConfig(c).DescribeInstances(ctx, &ec2.DescribeInstancesInput{Filters: []ec2types.Filter{{Name: aws.String("tag:Name"), Values: []string{"bastion"}}}})
	if err != nil || len(instances.Reservations) != 1 || aws.ToString(instances.Reservations[0].Instances[0].InstanceId) != "i-0123456789abcdef0" {
		t.Errorf("DescribeInstances: %+v, %v", instances, err)
	}
	nodes, err := ssm.NewFromConfig(c).DescribeInstanceInformation(ctx, nil)
	if err != nil || len(nodes.InstanceInformationList) < 5 || nodes.InstanceInformationList[0].LastPingDateTime == nil {
		t.Errorf("DescribeInstanceInformation: %+v, %v", nodes, err)
	}
	key, err := kms.NewFromConfig(c).GenerateDataKey(ctx, &kms.GenerateDataKeyInput{KeyId: aws.String("alias/sessions"), NumberOfBytes: aws.Int32(64)})
	if err != nil || len(key.Plaintext) != 64 {
		t.Errorf("GenerateDataKey: %v", err)
	}
	tasks, err := ecs.NewFromConfig(c).DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: aws.String("prod"), Tasks: []string{"0123456789abcdef0123456789abcdef"}})
	if err != nil || len(tasks.Tasks) != 1 || aws.ToString(tasks.Tasks[0].Containers[0].RuntimeId) == "" {
		t.Errorf("DescribeTasks: %+v, %v", tasks, err)
	}
	organization, err := organizations.NewFromConfig(c).DescribeOrganization(ctx, nil)
	if err != nil || aws.ToString(organization.Organization.Id) != "o-exampleorgid" {
		t.Errorf("DescribeOrganization: %+v, %v", organization, err)
	}
}

// A role that trusts web identities has a profile with a token of this run.
func TestSDKAssumesByWebIdentity(t *testing.T) {
	role := func(name string, trust ...string) world.Role {
		return world.Role{Principal: world.Principal{Name: name}, Trust: trust}
	}
	s := sandboxtest.ServedWorld(t, world.World{
		Account: "111122223333", Region: "eu-west-1", Logins: []world.Login{{Name: "root", Principal: "root"}},
		Roles: []world.Role{role("ci", "federated:one.example.com", "111122223333", "federated:two.example.com/id/1"), role("none", "*")},
	})
	for i, provider := range []string{"one.example.com", "two.example.com/id/1"} {
		token, err := os.ReadFile(filepath.Join(filepath.Dir(s.Files.Config()), fmt.Sprintf("web-identity-%d", i)))
		if err != nil {
			t.Fatal(err)
		}
		got, err := sts.NewFromConfig(sdk(t, s, "root")).AssumeRoleWithWebIdentity(t.Context(), &sts.AssumeRoleWithWebIdentityInput{
			RoleArn: aws.String("arn:aws:iam::111122223333:role/ci"), RoleSessionName: aws.String("ci"), WebIdentityToken: aws.String(string(token)),
		})
		if err != nil || aws.ToString(got.Provider) != provider {
			t.Errorf("%s: %+v, %v", provider, got, err)
		}
	}
	config, err := os.ReadFile(s.Files.Config())
	if err != nil || strings.Count(string(config), "[profile ") != 3 {
		t.Errorf("%s, %v", config, err)
	}
}

// What has keys and tokens of a run is for its user alone.
func TestFilesAreTheUsers(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no modes")
	}
	s := sandboxtest.ServedWorld(t, world.World{
		Account: "111122223333", Region: "eu-west-1", Logins: []world.Login{{Name: "root", Principal: "root"}},
		Roles: []world.Role{{Principal: world.Principal{Name: "ci"}, Trust: []string{"federated:one.example.com"}}},
	})
	dir := filepath.Dir(s.Files.Config())
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 3 {
		t.Fatalf("%v, %v", files, err)
	}
	for name, want := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, "config"): 0o600, filepath.Join(dir, "credentials"): 0o600, filepath.Join(dir, "web-identity-0"): 0o600} {
		if i, err := os.Stat(name); err != nil || i.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", name, i, err)
		}
	}
}

// The SDK tells the account's errors apart, by type where the service models them.
func TestSDKReadsErrors(t *testing.T) {
	s := sandboxtest.Served(t, "default")
	bob, carol, ctx := sdk(t, s, "bob"), sdk(t, s, "carol"), t.Context()
	start := func(c aws.Config, target, document string) error {
		_, err := ssm.NewFromConfig(c).StartSession(ctx, &ssm.StartSessionInput{Target: aws.String(target), DocumentName: aws.String(document)})
		return err
	}
	if err := start(carol, "i-0bbbbbbbbbbbbbbb1", "SSM-SessionManagerRunShell"); !errors.As(err, new(*ssmtypes.TargetNotConnected)) {
		t.Errorf("target that is off: %v", err)
	}
	if err := start(carol, "i-0123456789abcdef0", "Patch"); !errors.As(err, new(*ssmtypes.InvalidDocument)) {
		t.Errorf("command document: %v", err)
	}
	_, member := organizations.NewFromConfig(carol).ListRoots(ctx, nil)
	if !errors.As(member, new(*orgtypes.AccessDeniedException)) {
		t.Errorf("ListRoots of a member: %v", member)
	}
	_, noRole := iam.NewFromConfig(carol).GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("none")})
	if !errors.As(noRole, new(*iamtypes.NoSuchEntityException)) {
		t.Errorf("GetRole of none: %v", noRole)
	}
	_, noRead := iam.NewFromConfig(bob).GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("deploy")})
	_, noList := ec2.NewFromConfig(bob).DescribeInstances(ctx, nil)
	_, expired := sts.NewFromConfig(sdk(t, s, "expired")).GetCallerIdentity(ctx, nil)
	for want, err := range map[string]error{
		"AccessDeniedException": start(bob, "i-0123456789abcdef0", "TeamShell"), "AccessDenied": noRead, "UnauthorizedOperation": noList, "ExpiredToken": expired,
	} {
		var api smithy.APIError
		if !errors.As(err, &api) || api.ErrorCode() != want || api.ErrorMessage() == "" {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
