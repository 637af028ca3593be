# ivrd. `make` prints what there is; `make run` and `make test` are all that a
# newcomer needs: they install what is missing on Debian or Ubuntu themselves.

GO            ?= go
# Arguments of the server: make run ARGS="--set sip.listen=127.0.0.1:5070"
ARGS          ?=
# How long each fuzz target and each soak test runs.
FUZZTIME      ?= 60s
SOAKTIME      ?= 30m
# How long the drill runs.
DRILLTIME     ?= 10m
# Longest time for the tests of one package.
TEST_TIMEOUT  ?= 6m
# The linter is built once from source, at this version, for this checkout.
GOLANGCI_VERSION := v2.15.0

TOOLS    := $(CURDIR)/.tools
GOLANGCI := $(TOOLS)/golangci-lint-$(GOLANGCI_VERSION)

# The commit goes into the binary when git can tell it; a tarball or a checkout
# that git refuses to read (another owner) builds all the same.
BUILDVCS := $(shell git rev-parse --verify -q HEAD >/dev/null 2>&1 && echo auto || echo false)

.DEFAULT_GOAL := help
.PHONY: help run test build build-asr build-emotion web web-test lint fmt check-fmt vet tidy unit race bench bench-parts fuzz soak drill prompts clean setup-run setup-test

help: ## Print this help
	@echo "ivrd: a voice-first contact-centre server. Targets:"
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: setup-run build ## Start the demo on loopback; it prints how to call
	@if pkg-config --exists pocketsphinx 2>/dev/null; then $(MAKE) -s build-asr || echo "make: going on without speech recognition"; fi
	exec bin/ivrd serve $(ARGS)

test: setup-test web web-test lint unit build ## Run all that CI runs

# The pages are built from what package-lock.json pins, and only when something
# of them has changed.
WEB_SOURCES := $(shell find web -type f -not -path 'web/node_modules/*' -not -path 'web/dist/*' 2>/dev/null)

web: web/dist/index.html ## Build the pages

web/node_modules/.installed: web/package-lock.json
	cd web && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

web/dist/index.html: web/node_modules/.installed $(WEB_SOURCES)
	rm -rf web/dist/assets
	cd web && npm run --silent build
	@touch $@

web-test: web/node_modules/.installed
	cd web && npm run --silent test

build: web ## Build bin/ivrd, one static file
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=$(BUILDVCS) -o bin/ivrd ./cmd/ivrd

# C, and so a process of its own.
build-asr: ## Build bin/ivrd-asr, which hears the phrases of menus (libpocketsphinx-dev, pocketsphinx-en-us)
	CGO_ENABLED=1 $(GO) build -trimpath -buildvcs=$(BUILDVCS) -tags pocketsphinx -o bin/ivrd-asr ./cmd/ivrd-asr

build-emotion: ## Build bin/ivrd-emotion, which runs an ONNX model of emotion (docs/emotion.md)
	CGO_ENABLED=1 $(GO) build -trimpath -buildvcs=$(BUILDVCS) -tags onnx -o bin/ivrd-emotion ./cmd/ivrd-emotion

# What go vet finds is among it; with the tags nothing is left out.
lint: check-fmt tidy $(GOLANGCI) ## Check what is checked by reading
	$(GOLANGCI) run --build-tags pocketsphinx,onnx,figures,drill ./...

fmt: $(GOLANGCI) ## Rewrite the sources in the house's format
	$(GOLANGCI) fmt ./...

# Each of the following is a step of lint or test and may be run alone.
check-fmt:
	@bad="$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go' 2>/dev/null || find . -name '*.go'))"; \
	if [ -n "$$bad" ]; then echo "gofmt: not formatted (make fmt mends it):"; echo "$$bad"; exit 1; fi

vet:
	$(GO) vet ./...

tidy:
	$(GO) mod tidy -diff

# The race detector needs cgo; the shipped binary does not. Programs that tests
# drive (sipp, baresip, espeak-ng) must be there: a test that cannot find one
# fails instead of being skipped.
#
# The tests that listen in real time run after the others, one package at a
# time: a starved machine stutters. The race detector slows down whom it watches
# by ten, so that what needs much of the machine runs without it: an hour of RTP, a
# flood, a thousand changes of a mix, browsers, and minutes of sound, which the
# other tests of the same code see under it for seconds. HEAVY names those tests in
# SOUND and REAL_TIME; nowhere else is a test skipped that has such a name. So are
# allocations counted: under the detector pools allocate at random. The tests of the
# engine in real time and of the whole server run without it, too, or CI would take more
# than its quarter of an hour: make race has them under it, and ./call has the engine.
REAL_TIME := ./media/engine
WHOLE     := ./internal/e2e
SOUND     := ./media/rtpio ./call
# These count allocations, too.
COUNTED   := ./asr ./internal/load ./media ./media/mix ./media/quality ./recordings
# These have no goroutines to watch, and minutes of sound or text.
PURE      := ./transcript ./media/dtmf ./media/vad ./media/plc ./asr/emotion
HEAVY     := ^(TestHour|TestFlood|TestMixIsolation|TestPages|TestPagesTalk|TestNetnsBrowser|$\
TestSpeechIsNoKey|TestOtherSoundIsNoKey|TestWhatIsNoKeyIsRefused|TestKeysInTheSound|TestSpeechIsConcealed|$\
TestBadLines|TestJitterSkew|TestRoles|TestPathEndsWhereTheCallerLeft|TestTransferThenHangup|TestMessage|TestConnectOutcomes|$\
TestSkewKeepsTracksTogether|TestWordsKeepTime|TestDialogues|TestArousalOfSpeech|TestBaseline|TestTalkInNoise|TestBargeIn|TestBargeInBySpeech|TestBargeInByKey|TestEchoDoesNotBargeIn|TestSteadyNoiseIsNoSpeech|TestEchoIsNoSpeech|TestEchoIsFollowed|$\
TestPitchOfSyntheticVoices|TestPitchOfSpeech|$\
TestLateFinishKey|TestAwayEnds|TestSilentAgentIsHungUp|TestTransferFailsLater)$$
unit:
	IVRD_TEST_REQUIRE=1 CGO_ENABLED=1 $(GO) test -race -tags onnx -timeout $(TEST_TIMEOUT) $$($(GO) list ./... | grep -vxF "$$($(GO) list $(SOUND) $(PURE) $(REAL_TIME) $(WHOLE))")
	@echo 'calls under the race detector, on one core, beside what needs none, on the other'
	IVRD_TEST_REQUIRE=1 CGO_ENABLED=1 $(GO) test -race -timeout $(TEST_TIMEOUT) -skip '$(HEAVY)' $(SOUND) & calls=$$!; \
		{ IVRD_TEST_REQUIRE=1 CGO_ENABLED=0 $(GO) test -p 1 -timeout $(TEST_TIMEOUT) $(PURE) && \
		CGO_ENABLED=0 $(GO) test -p 1 -run 'Allocat' -timeout $(TEST_TIMEOUT) $(COUNTED) && \
		IVRD_TEST_REQUIRE=1 CGO_ENABLED=0 $(GO) test -p 1 -timeout $(TEST_TIMEOUT) -run '$(HEAVY)|Allocat' $(SOUND) && \
		CGO_ENABLED=1 $(GO) test -p 1 -tags pocketsphinx -timeout $(TEST_TIMEOUT) ./asr/sphinx ./cmd/ivrd-asr; }; others=$$?; \
		wait $$calls && exit $$others
	IVRD_TEST_REQUIRE=1 CGO_ENABLED=0 $(GO) test -timeout $(TEST_TIMEOUT) $(REAL_TIME)
	@echo 'the whole server, and beside it its pages: both wait most of the time'
	IVRD_TEST_REQUIRE=1 CGO_ENABLED=0 $(GO) test -timeout 9m -run '^TestPages$$' $(WHOLE) & pages=$$!; \
		IVRD_TEST_REQUIRE=1 CGO_ENABLED=0 $(GO) test -timeout 9m -skip '^TestPages$$' $(WHOLE); others=$$?; \
		wait $$pages && exit $$others

race: setup-test web ## Run the engine and the whole server under the race detector
	IVRD_TEST_REQUIRE=1 CGO_ENABLED=1 $(GO) test -race -p 1 -parallel 4 -timeout 25m -skip '$(HEAVY)' $(REAL_TIME) $(WHOLE)

# One line shortly: make bench LINE=ivr SECONDS=10 CALLS=200 (lines: docs/load.md).
# LINE=bargein is real calls with speech, by a test: how soon a prompt is silent.
# LINE=menu is no call: it measures how menus understand speech (docs/speech.md).
ifeq ($(LINE),bargein)
bench: build
	IVRD_TEST_REQUIRE=1 $(GO) test -tags drill -run '^TestBargeInFigures$$' -v -count 1 -timeout 30m ./internal/e2e
else ifeq ($(LINE),menu)
bench:
	IVRD_TEST_REQUIRE=1 CGO_ENABLED=1 $(GO) test -tags 'pocketsphinx figures' -run Figures -v -count 1 -timeout 30m ./asr/sphinx
else
bench: build bin/ivrload ## Measure what calls cost the server, on two cores (LINE=, CALLS=, SECONDS=: docs/load.md)
	$(GO) run ./internal/tools/bench $(if $(LINE),-line $(LINE)) $(if $(SECONDS),-duration $(SECONDS)s) \
		$(if $(CALLS),-calls $(CALLS)) $(if $(RATE),-rate $(RATE)) $(if $(RAMP),-ramp $(RAMP)) $(if $(AFTER),-after $(AFTER)s) $(if $(IDLE),-idle $(IDLE)s) $(if $(NICE),-nice $(NICE)) $(if $(V),-v)
endif

bin/ivrload: $(shell find cmd/ivrload internal/load media sip/digest -name '*.go' 2>/dev/null)
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=$(BUILDVCS) -o $@ ./cmd/ivrload

bench-parts: ## Run the Go benchmarks (BENCH=regexp)
	$(GO) test -run '^$$' -bench '$(or $(BENCH),.)' -benchmem ./...

fuzz: ## Run every fuzz target for FUZZTIME (60s each)
	GO=$(GO) scripts/fuzz $(FUZZTIME)

soak: ## Run the long tests for SOAKTIME (30m each)
	IVRD_TEST_REQUIRE=1 IVRD_SOAK=$(SOAKTIME) CGO_ENABLED=1 $(GO) test -race -run '^TestSoak' -timeout 0 ./...

drill: setup-test web ## Run calls, a queue, a browser, searches and outages together for DRILLTIME (10m)
	IVRD_TEST_REQUIRE=1 IVRD_DRILL=$(DRILLTIME) $(GO) test -tags drill -run '^TestDrill$$' -v -timeout 30m ./internal/e2e

prompts: setup-run ## Render the demo's prompts anew after texts.yaml changed
	$(GO) run ./internal/tools/renderprompts configs/demo/prompts

clean: ## Remove what was built; data in var/ stays
	rm -rf bin .tools

setup-run:
	@scripts/setup run

setup-test:
	@scripts/setup test

# Built to a private directory first, so that an interrupted build leaves no
# half of a linter under its name.
$(GOLANGCI):
	@echo "make: building golangci-lint $(GOLANGCI_VERSION) from source, once (about 90 s on 2 cores)"
	@mkdir -p $(TOOLS)/new
	GOBIN=$(TOOLS)/new CGO_ENABLED=0 $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	@mv $(TOOLS)/new/golangci-lint $@ && rm -rf $(TOOLS)/new
