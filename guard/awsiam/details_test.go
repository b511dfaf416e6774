package awsiam

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"ssmguard/guard"
	"ssmguard/internal/sandbox/world"
)

// TestAccountDetails: every page is read, and a policy is the same text from IAM and from what
// the AWS CLI prints.
func TestAccountDetails(t *testing.T) {
	w := resolveWorld()
	for i := range detailsPage + 50 {
		w.Users = append(w.Users, world.User{Principal: world.Principal{Name: fmt.Sprintf("u%03d", i), Tags: map[string]string{"n": fmt.Sprint(i)},
			Inline: []world.Policy{inline("own", statement(`{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ec2:*:*:instance/*"}`))}}})
	}
	c, _ := serve(t, w, Options{})
	users, pages := 0, 0
	err := c.AccountDetails(t.Context(), func(d AccountDetails) {
		pages++
		users += len(d.Users)
		for _, u := range d.Users {
			if u.UserName == "u007" {
				if text := string(u.UserInline[0].PolicyDocument); text != w.Users[len(w.Users)-detailsPage-50+7].Inline[0].Document || u.Tags[0].Value != "7" {
					t.Errorf("%+v", u)
				}
			}
		}
	})
	if err != nil || users != len(w.Users) || pages < 2 {
		t.Errorf("%d users in %d pages, %v", users, pages, err)
	}
	var printed Authorized
	if err := json.Unmarshal([]byte(`{"RoleName":"r","RoleId":"AROA","Path":"/","AssumeRolePolicyDocument":{"Version":"2012-10-17"},"RolePolicyList":[{"PolicyName":"p","PolicyDocument":"%7B%22a%22%3A1%7D"}],
		"PermissionsBoundary":{"PermissionsBoundaryType":"Policy","PermissionsBoundaryArn":"arn"},"AttachedManagedPolicies":[{"PolicyName":"x","PolicyArn":"y"}]}`), &printed); err != nil {
		t.Fatal(err)
	}
	if printed.RoleName != "r" || printed.Trust != `{"Version":"2012-10-17"}` || printed.RoleInline[0].PolicyDocument != `{"a":1}` || printed.Boundary.Arn != "arn" || printed.Attached[0].PolicyArn != "y" {
		t.Errorf("%+v", printed)
	}
}

// TestAccountDetailsFail: what was read before a failure stands beside the error that names it.
func TestAccountDetailsFail(t *testing.T) {
	page := `<GetAccountAuthorizationDetailsResponse><GetAccountAuthorizationDetailsResult><UserDetailList><member><UserName>ann</UserName></member></UserDetailList>` +
		`<IsTruncated>true</IsTruncated><Marker>next</Marker></GetAccountAuthorizationDetailsResult></GetAccountAuthorizationDetailsResponse>`
	c, f := newFake(t, Options{ThrottlePause: time.Millisecond}, map[string]func(http.ResponseWriter, fakeCall){
		"GetAccountAuthorizationDetails": func(w http.ResponseWriter, call fakeCall) {
			if call.Form.Get("Marker") == "" {
				fmt.Fprint(w, page)
				return
			}
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>`)
		},
	})
	users := 0
	err := c.AccountDetails(t.Context(), func(d AccountDetails) { users += len(d.Users) })
	var own *Error
	if users != 1 || !errors.As(err, &own) || own.Kind != KindThrottled || own.Permission != detailsOp {
		t.Errorf("%d users, %v", users, err)
	}
	if n := f.count("GetAccountAuthorizationDetails"); n < 1+2*maxAttempts {
		t.Errorf("%d calls", n)
	}
	denied, _ := newFake(t, Options{}, nil)
	var unread *guard.NotVisible
	if err := denied.AccountDetails(t.Context(), func(AccountDetails) {}); !errors.As(err, &unread) || unread.Permission != detailsOp {
		t.Errorf("%v", err)
	}
	if nodes, err := denied.AllNodes(t.Context(), testRegion); len(nodes) != 0 || !errors.As(err, &unread) {
		t.Errorf("%v, %v", nodes, err)
	}
}

func TestAllNodes(t *testing.T) {
	w := resolveWorld()
	for i := range 120 {
		w.Nodes = append(w.Nodes, world.Node{ID: fmt.Sprintf("mi-%017x", 0x1000+i), Ping: "Online", Tags: map[string]string{"rack": fmt.Sprint(i)}})
	}
	c, _ := serve(t, w, Options{})
	nodes, err := c.AllNodes(t.Context(), testRegion)
	if err != nil {
		t.Fatal(err)
	}
	managed := 0
	for _, n := range nodes {
		if hasID(n.ID, "mi-") && n.Tags["rack"] != "" {
			managed++
		}
	}
	if managed != 120 || len(nodes) < 125 {
		t.Errorf("%d nodes, %d of them managed with tags", len(nodes), managed)
	}
}
