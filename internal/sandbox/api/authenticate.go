package api

import (
	"fmt"
	"net/http"
	"time"
)

// authenticate finds the caller of a request by its signature.
func (s *Server) authenticate(c *Request) error {
	header := c.Request.Header.Get("Authorization")
	switch {
	case unsigned[c.Service+":"+c.Operation] && header == "":
		return nil
	case header == "":
		return troubleFor(c.Service, noSignature, "")
	case !c.signed:
		return troubleFor(c.Service, badHeader, "")
	}
	who := s.Callers[c.sig.KeyID]
	if who == nil || who.SessionToken != c.Request.Header.Get("X-Amz-Security-Token") {
		return troubleFor(c.Service, unknownKey, "")
	}
	if err := s.checkClock(c); err != nil {
		return err
	}
	if !c.sig.Matches(c.Request, c.body, who.SecretAccessKey) {
		return troubleFor(c.Service, wrongSignature, "")
	}
	if who.Temporary && s.Now().After(who.Expires) {
		return troubleFor(c.Service, expiredToken, "")
	}
	if !who.mayCall(c.Service) {
		return troubleFor(c.Service, unknownKey, "")
	}
	c.Who = who
	return nil
}

// unsigned are the operations that identify the caller by other means.
var unsigned = map[string]bool{"sts:AssumeRoleWithWebIdentity": true}

// mayCall reports whether the caller may use a service: tokens of GetFederationToken
// cannot be used with IAM, and those of GetSessionToken only with MFA.
func (c *Caller) mayCall(service string) bool {
	if service != "iam" {
		return true
	}
	switch c.Kind {
	case typeFederated:
		return false
	case TypeUser, TypeRoot:
		return !c.Temporary || c.MFA
	}
	return true
}

// checkClock refuses a request signed too long ago or in the future.
func (s *Server) checkClock(c *Request) error {
	text := c.Request.Header.Get("X-Amz-Date")
	at, err := time.Parse(SigTime, text)
	if err != nil || at.Format("20060102") != c.sig.Date {
		return troubleFor(c.Service, badHeader, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP")
	}
	now := s.Now().UTC()
	switch minutes := int(sigSkew.Minutes()); {
	case at.Before(now.Add(-sigSkew)):
		return troubleFor(c.Service, skewedClock, fmt.Sprintf("Signature expired: %s is now earlier than %s (%s - %d min.)",
			text, now.Add(-sigSkew).Format(SigTime), now.Format(SigTime), minutes))
	case at.After(now.Add(sigSkew)):
		return troubleFor(c.Service, skewedClock, fmt.Sprintf("Signature not yet current: %s is still later than %s (%s + %d min.)",
			text, now.Add(sigSkew).Format(SigTime), now.Format(SigTime), minutes))
	}
	return nil
}

// VerifyUpgrade checks the signature of a request that opens a data channel: a
// GET of service ssmmessages without body, by credentials the account knows.
func (s *Server) VerifyUpgrade(r *http.Request) error {
	c := &Request{Server: s, Request: r, Service: dataChannelService}
	c.sig, c.signed = ParseSignature(r.Header.Get("Authorization"))
	s.Mu.Lock()
	defer s.Mu.Unlock()
	if err := s.authenticate(c); err != nil {
		return err
	}
	if c.sig.Service != dataChannelService {
		return troubleFor(c.Service, wrongSignature, "")
	}
	return nil
}

const dataChannelService = "ssmmessages"
