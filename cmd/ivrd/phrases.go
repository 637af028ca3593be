package main

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"github.com/ivrd/ivrd/asr"
	"github.com/ivrd/ivrd/asr/sphinx"
	"github.com/ivrd/ivrd/internal/config"
	"github.com/ivrd/ivrd/internal/helper"
	"github.com/ivrd/ivrd/ivr"
)

// embeddedLanguage is what the embedded recognizer understands.
const embeddedLanguage = "en"

// phraseCheck finds phrases of menus that are not understood.
type phraseCheck struct {
	others     []asr.Recognizer  // that run elsewhere
	embedded   bool              // there is the embedded one, too
	dictionary sphinx.Dictionary // of the embedded one; nil: nobody could look
	unheard    map[string]bool   // languages of phrases that nobody understands
}

// checkPhrases finds phrases that the embedded recognizer has not got the words of:
// faults where no other understands its language, else warnings.
func checkPhrases(f config.File, flows *ivr.Flows) (warnings []string, err error) {
	p := phraseCheck{embedded: embeddedRuns(f.Speech), unheard: map[string]bool{}}
	if p.others, err = recognizers(f.Speech, nil); err != nil || !f.Speech.Activity || len(p.others) == 0 && !p.embedded {
		return nil, err
	}
	if p.embedded {
		if p.dictionary, err = sphinx.OpenDictionary(sphinx.Model); err != nil {
			warnings = append(warnings, fmt.Sprintf("whether phrases can be understood was not looked at: %v", err))
		}
	}
	faults := ivr.Check(flows, ivr.CheckOptions{Phrase: p.phrase})
	for i := range faults {
		faults[i].File = filepath.Join(f.Flows.Dir, faults[i].File)
	}
	for _, l := range slices.Sorted(maps.Keys(p.unheard)) {
		warnings = append(warnings, fmt.Sprintf("no recognizer understands %s: callers press keys (hint: speech.recognizers)", l))
	}
	if len(faults) > 0 && !p.understoodElsewhere(embeddedLanguage) {
		return warnings, flowFaults(faults)
	}
	for _, fault := range faults {
		warnings = append(warnings, fault.Error())
	}
	return warnings, nil
}

// embeddedRuns reports whether a server with this configuration would have the embedded
// recognizer.
func embeddedRuns(s config.Speech) bool {
	if s.Recognizer == "auto" {
		_, err := helper.Find(sphinx.Helper)
		return err == nil
	}
	return s.Recognizer == config.KindPocketSphinx
}

// phrase is ivr's CheckOptions.Phrase.
func (p *phraseCheck) phrase(language, phrase string) (problem, hint string) {
	if !p.embedded || language != embeddedLanguage {
		if !p.understoodElsewhere(language) {
			p.unheard[language] = true
		}
		return "", ""
	}
	if p.dictionary == nil {
		return "", ""
	}
	_, err := sphinx.Grammar(p.dictionary, []string{phrase})
	if u, ok := errors.AsType[*sphinx.Unknown](err); ok {
		if u.Nearest != "" {
			hint = fmt.Sprintf("%q is", u.Nearest)
		}
		return fmt.Sprintf("%q is not in PocketSphinx's dictionary", u.Word), hint
	}
	if err != nil {
		return err.Error(), ""
	}
	return "", ""
}

func (p *phraseCheck) understoodElsewhere(language string) bool {
	return slices.ContainsFunc(p.others, func(r asr.Recognizer) bool { return r.Traits().Understands(language) })
}
