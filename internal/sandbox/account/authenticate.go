package account

import (
	"fmt"
	"net/http"
	"time"
)

// authenticate finds the caller of a request by its signature.
func (s *Server) authenticate(c *call) error {
	header := c.request.Header.Get("Authorization")
	switch {
	case unsigned[c.service+":"+c.operation] && header == "":
		return nil
	case header == "":
		return troubleFor(c.service, noSignature, "")
	case !c.signed:
		return troubleFor(c.service, badHeader, "")
	}
	who := s.callers[c.sig.keyID]
	if who == nil || who.SessionToken != c.request.Header.Get("X-Amz-Security-Token") {
		return troubleFor(c.service, unknownKey, "")
	}
	if err := s.checkClock(c); err != nil {
		return err
	}
	if !c.sig.matches(c.request, c.body, who.SecretAccessKey) {
		return troubleFor(c.service, wrongSignature, "")
	}
	if who.temporary && s.now().After(who.Expires) {
		return troubleFor(c.service, expiredToken, "")
	}
	if !who.mayCall(c.service) {
		return troubleFor(c.service, unknownKey, "")
	}
	c.who = who
	return nil
}

// unsigned are the operations that prove the caller by other means.
var unsigned = map[string]bool{"sts:AssumeRoleWithWebIdentity": true}

// mayCall says that tokens of GetFederationToken and GetSessionToken cannot be
// used with IAM, the latter unless MFA was given.
func (c *caller) mayCall(service string) bool {
	if service != "iam" {
		return true
	}
	switch c.kind {
	case typeFederated:
		return false
	case typeUser, typeRoot:
		return !c.temporary || c.mfa
	}
	return true
}

// checkClock refuses a request signed too long ago or in the future.
func (s *Server) checkClock(c *call) error {
	text := c.request.Header.Get("X-Amz-Date")
	at, err := time.Parse(sigTime, text)
	if err != nil || at.Format("20060102") != c.sig.date {
		return troubleFor(c.service, badHeader, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP")
	}
	now := s.now().UTC()
	switch minutes := int(sigSkew.Minutes()); {
	case at.Before(now.Add(-sigSkew)):
		return troubleFor(c.service, skewedClock, fmt.Sprintf("Signature expired: %s is now earlier than %s (%s - %d min.)",
			text, now.Add(-sigSkew).Format(sigTime), now.Format(sigTime), minutes))
	case at.After(now.Add(sigSkew)):
		return troubleFor(c.service, skewedClock, fmt.Sprintf("Signature not yet current: %s is still later than %s (%s + %d min.)",
			text, now.Add(sigSkew).Format(sigTime), now.Format(sigTime), minutes))
	}
	return nil
}

// VerifyUpgrade checks the signature of a request that opens a data channel: a
// GET of service ssmmessages without body, by credentials the account knows.
func (s *Server) VerifyUpgrade(r *http.Request) error {
	c := &call{Server: s, request: r, service: dataChannelService}
	c.sig, c.signed = parseSignature(r.Header.Get("Authorization"))
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.authenticate(c); err != nil {
		return err
	}
	if c.sig.service != dataChannelService {
		return troubleFor(c.service, wrongSignature, "")
	}
	return nil
}

const dataChannelService = "ssmmessages"
