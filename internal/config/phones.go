package config

import (
	"maps"
	"slices"
)

func (d *decoder) srtp(key, way string) { d.oneOf(key, way, "optional", "sdes", "dtls") }

func (d *decoder) phones(f *File) {
	d.codecs("sip.phones.codecs", f.SIP.Phones.Codecs)
	d.srtp("sip.phones.srtp", f.SIP.Phones.SRTP)
	for _, person := range slices.Sorted(maps.Keys(f.SIP.Phones.SRTPOf)) {
		d.srtp("sip.phones.srtp_of."+person, f.SIP.Phones.SRTPOf[person])
	}
}
