package engine

import (
	"errors"
	"fmt"

	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/rtc"
	"github.com/ivrd/ivrd/media/rtpio"
)

// webStream is the stream of a browser.
type webStream struct{ *stream }

var _ media.WebStream = webStream{}

// Web implements media.WebStream.
func (w webStream) Web() media.WebLocal { return w.web.Local() }

// open makes the endpoint of a stream: a pair of ports, or a browser's path.
func (e *Engine) open(o media.StreamOptions) (*rtpio.Endpoint, *rtc.Transport, error) {
	if !o.Web {
		endpoint, err := rtpio.Open(e.ports, e.guard, e.config.PortRest)
		return endpoint, nil, err
	}
	if e.config.Web == nil {
		return nil, nil, errors.New("no port for browsers is configured (hint: set media.web_port)")
	}
	web, err := e.config.Web.Open()
	if err != nil {
		return nil, nil, err
	}
	return rtpio.Over(web, e.guard), web, nil
}

// connectWeb connects a browser. Until its keys are there nothing is heard and
// nothing sent: what was negotiated waits for them.
func (st *stream) connectWeb(r media.Remote) error {
	if r.Web == nil {
		return errors.New("connect stream: a browser's description is missing")
	}
	r.Addr, r.RTCP, r.Signalling = rtc.Peer, rtc.Peer, rtc.Peer.Addr()
	var err error
	open := st.do(func() {
		st.agreed = r
		if st.webKeys != nil {
			r.SRTP = st.webKeys
			err = st.connect(r)
		}
	})
	if !open {
		return fmt.Errorf("connect stream: %w", media.ErrClosed)
	}
	return errors.Join(err, st.web.Start(*r.Web, st.told))
}

// told takes the keys of the handshake, or that the path is lost.
func (st *stream) told(keys *media.SRTPKeys, err error) {
	st.do(func() {
		if err == nil {
			st.webKeys, st.agreed.SRTP = keys, keys
			err = st.connect(st.agreed)
		}
		if err != nil {
			st.fail(err)
		}
	})
}

// fail tells the stream's owner that the browser is lost.
func (st *stream) fail(err error) {
	ev := media.StreamEvent{Kind: media.EventFailed, At: st.session.next, Failure: media.FailedPath}
	if e, ok := errors.AsType[*rtc.Error](err); ok {
		ev.Failure = e.Failure
	}
	st.session.engine.log.Info("browser's media failed", "call_id", st.session.id, "stream", st.options.Name, "failure", ev.Failure.String())
	st.emit(ev)
}
