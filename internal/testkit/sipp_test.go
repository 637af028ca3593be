package testkit

import (
	"fmt"
	"testing"
)

const uasScenario = `<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="answers">
  <recv request="OPTIONS" crlf="true"/>
  <send><![CDATA[
    SIP/2.0 $status OK
    [last_Via:]
    [last_From:]
    [last_To:];tag=[call_number]
    [last_Call-ID:]
    [last_CSeq:]
    Content-Length: 0

  ]]></send>
</scenario>`

const uacScenario = `<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="asks">
  <send retrans="500"><![CDATA[
    OPTIONS sip:[service]@[remote_ip]:[remote_port] SIP/2.0
    Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
    From: <sip:test@[local_ip]>;tag=[call_number]
    To: <sip:[service]@[remote_ip]>
    Call-ID: [call_id]
    CSeq: 1 OPTIONS
    Max-Forwards: 70
    Content-Length: 0

  ]]></send>
  <recv response="200" timeout="5000"/>
</scenario>`

func TestSIPpBothSides(t *testing.T) {
	for _, transport := range []string{"u1", "t1"} {
		uas := SIPp{Scenario: uasScenario, Transport: transport, Calls: 3, Keys: map[string]string{"status": "200"}}.Start(t)
		uac := SIPp{
			Scenario: uacScenario, Transport: transport, Calls: 3,
			Service: "1000", Remote: fmt.Sprintf("127.0.0.1:%d", uas.Port),
		}.Run(t)
		if uac.Status != 0 || uac.Successful != 3 || uac.Failed != 0 {
			t.Errorf("%s: caller: %+v", transport, uac)
		}
		if got := uas.Wait(); got.Status != 0 || got.Successful != 3 {
			t.Errorf("%s: called: %+v", transport, got)
		}
	}
}

func TestSIPpTellsOfFailure(t *testing.T) {
	uas := SIPp{Scenario: uasScenario, Keys: map[string]string{"status": "404"}}.Start(t)
	got := SIPp{Scenario: uacScenario, Service: "1000", Remote: fmt.Sprintf("127.0.0.1:%d", uas.Port)}.Run(t)
	if got.Status != 1 || got.Failed != 1 || got.Errors == "" || got.Messages == "" {
		t.Errorf("got %+v", got)
	}
	uas.Stop()
}
