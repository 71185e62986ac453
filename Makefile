# syncdeck: build, check, test.   make help lists the targets.
#
# One non-recursive file.  Every .c under core, ui and app is found by itself; every
# tests/unit/test_X.c, tests/screen/test_X.c ... becomes build/<variant>/tests/<dir>/test_X.
# Variants: SAN= (plain), SAN=asan, SAN=tsan.  CC=gcc or clang.

ifeq ($(origin CC),default)
CC := gcc
endif
SAN     ?=
PREFIX  ?= /usr/local
DESTDIR ?=
VERSION := 0.1.0

B := build$(if $(SAN),/$(SAN))

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wold-style-definition -Wvla -Wformat=2 -Wpointer-arith -Wcast-qual -Wwrite-strings \
	-Wundef -Wdouble-promotion -Wconversion -Wno-sign-conversion -Wimplicit-fallthrough -Werror
# snprintf cuts on purpose; clang has no such warning
ifneq (,$(findstring gcc,$(CC)))
WARN += -Wno-format-truncation
endif
SANFLAGS_asan := -fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=undefined
SANFLAGS_tsan := -fsanitize=thread
OPT := $(if $(SAN),-O1 -g $(SANFLAGS_$(SAN)),-O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong)
CPPFLAGS += -I. -D_GNU_SOURCE -DSD_VERSION='"$(VERSION)"'
CFLAGS   := -std=c11 $(WARN) $(OPT) -fPIE -pthread -MMD -MP $(EXTRA_CFLAGS)
LDFLAGS  += -pie -Wl,-z,relro,-z,now -pthread $(if $(SAN),$(SANFLAGS_$(SAN)))

CORE_LIBS := -lcjson -lsqlite3 -lcurl -lwebsockets -lssl -lcrypto -lwslay -lz -lm
UI_LIBS   := -lncursesw -ltinfo -lutf8proc
TEST_LIBS := -lcmocka -lvterm -lutil

CORE_SRC := $(sort $(shell find core -name '*.c'))
UI_SRC   := $(sort $(shell find ui -name '*.c'))
APP_SRC  := $(sort $(shell find app -name '*.c'))
# helpers that several test programs share; linked only where they are used
SUP_SRC  := $(sort $(shell find tests/support -name '*.c' 2>/dev/null) \
	$(filter-out tests/bench/bench_%,$(wildcard tests/bench/*.c)) \
	$(wildcard tests/sim/sim*.c))

CORE_OBJ := $(CORE_SRC:%.c=$B/%.o)
UI_OBJ   := $(UI_SRC:%.c=$B/%.o)
APP_OBJ  := $(APP_SRC:%.c=$B/%.o)
SUP_OBJ  := $(SUP_SRC:%.c=$B/%.o)

UNIT_BIN   := $(patsubst %.c,$B/%,$(sort $(wildcard tests/unit/test_*.c)))
SCREEN_BIN := $(patsubst %.c,$B/%,$(sort $(wildcard tests/screen/test_*.c)))
PROTO_BIN  := $(patsubst %.c,$B/%,$(sort $(wildcard tests/proto/test_*.c)))
SIM_BIN    := $(patsubst %.c,$B/%,$(sort $(wildcard tests/sim/test_*.c)))
STORY_BIN  := $(patsubst %.c,$B/%,$(sort $(wildcard tests/stories/*.c)))
BENCH_BIN  := $(patsubst %.c,$B/%,$(sort $(wildcard tests/bench/bench_*.c)))

.PHONY: all help deps check check-all test torture demo bench bench-peers install clean bins format arrows check-deps
all: check-deps $B/syncdeck

help:
	@printf '%s\n' 'make            build/syncdeck' 'make demo       try it: sandbox, two devices, the UI' \
	'make test       everything that proves it' 'make check      fast: unit, screen, arrows, format' \
	'make check-all  sanitizers and fuzz smoke' \
	'make torture    kills the program 500 times, fails every step of every change' 'make bench      ratios against the reference pipeline' 'make sim        10,000 seeds of the simulation' \
	'make deps       install what is missing (apt-get)' 'make install    PREFIX=, DESTDIR='

deps:
	@sh tests/tools/deps build test
check-deps:
	@sh tests/tools/deps build

# V=1 shows the commands
Q := $(if $(V),,@)
SAY = $(if $(V),,@printf '  %-5s %s\n' $1 $2)

$B/%.o: %.c | check-deps
	@mkdir -p $(@D)
	$(call SAY,CC,$<)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -c $< -o $@

$B/libsdcore.a: $(CORE_OBJ)
	@mkdir -p $(@D); rm -f $@; ar rcs $@ $^
$B/libsdui.a: $(UI_OBJ)
	@mkdir -p $(@D); rm -f $@; ar rcs $@ $^
$B/libsdtest.a: $(SUP_OBJ)
	@mkdir -p $(@D); rm -f $@; ar rcs $@ $^

$B/syncdeck: $(APP_OBJ) $B/libsdui.a $B/libsdcore.a
	$(call SAY,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) $^ -o $@ $(UI_LIBS) $(CORE_LIBS)

TEST_DEPS := $B/libsdtest.a $B/libsdui.a $B/libsdcore.a
$B/tests/%: $B/tests/%.o $(TEST_DEPS)
	@mkdir -p $(@D)
	$(call SAY,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) $< $(TEST_DEPS) -o $@ $(UI_LIBS) $(CORE_LIBS) $(TEST_LIBS)

# the simulation's bugs on purpose (tests/sim/sim_mutant.c) stand in for these there, nowhere else
SIM_WRAP := sd_entry_payload sd_apply sd_row_find sd_outbox_retry_at sd_pull_gap sd_sync_put \
	sd_push_applied sd_push_read sd_place_check sd_place_fresh sd_place_made \
	sd_place_sync sd_place_same
$B/tests/sim/test_sim: LDFLAGS += $(SIM_WRAP:%=-Wl,--wrap=%)

# what is built on the way is kept
.SECONDARY:

bins: $B/syncdeck $(UNIT_BIN) $(SCREEN_BIN) $(PROTO_BIN) $(SIM_BIN) $(STORY_BIN)

arrows:
	@sh tests/tools/arrows
format:
	@sh tests/tools/format

# fast: unit, screen, include-arrows, format
check: deps arrows format
	@$(MAKE) --no-print-directory $B/syncdeck $(UNIT_BIN) $(SCREEN_BIN)
	@sh tests/tools/run $(SCREEN_BIN) $(UNIT_BIN)

# scripts mostly wait, so two run side by side, the longest first; these measure times
SCRIPTS := $(sort $(wildcard tests/interop/run-*)) \
	$(sort $(wildcard tests/proto/run-* tests/stories/run-*))
CLOCKED := tests/stories/run-s8-large

# everything: check + sanitizer unit run + protocol + simulation + interop
test: deps arrows format
	@$(MAKE) --no-print-directory bins
	@$(MAKE) --no-print-directory SAN=asan unit-bins
	@sh tests/tools/run $(SIM_BIN) $(UNIT_BIN) $(patsubst $B/%,build/asan/%,$(UNIT_BIN)) \
		$(filter-out $(CLOCKED),$(SCRIPTS)) --alone $(SCREEN_BIN) $(PROTO_BIN) $(CLOCKED)

.PHONY: unit-bins all-bins
unit-bins: $(UNIT_BIN)
all-bins: $(UNIT_BIN) $(PROTO_BIN) $(SIM_BIN)

check-all: deps
	@$(MAKE) --no-print-directory SAN=asan B=build/asan all-bins build/asan/syncdeck
	@$(MAKE) --no-print-directory SAN=tsan B=build/tsan all-bins build/tsan/syncdeck
	@sh tests/tools/run $(patsubst $B/%,build/asan/%,$(UNIT_BIN) $(PROTO_BIN) $(SIM_BIN)) \
		$(patsubst $B/%,build/tsan/%,$(UNIT_BIN)) \
		--alone $(patsubst $B/%,build/tsan/%,$(PROTO_BIN))
	@sh tests/tools/fuzz

# the long form of what `make test` does in small: every fault at every step, 500 kills
TORTURE ?= 500
torture: deps
	@$(MAKE) --no-print-directory $B/syncdeck $B/tests/unit/test_store_steps \
		$B/tests/unit/test_durability $B/tests/proto/test_torture
	@TORTURE=$(TORTURE) sh tests/tools/run $B/tests/unit/test_store_steps \
		$B/tests/unit/test_durability --alone $B/tests/proto/test_torture

# the judge: 10,000 seeds of the simulation (SIM_FROM, SIM_JOBS: tests/sim/test_sim.c)
sim: deps
	@$(MAKE) --no-print-directory $B/tests/sim/test_sim
	@SIM_SEEDS=$${SIM_SEEDS:-10000} $B/tests/sim/test_sim

bench: deps
	@$(MAKE) --no-print-directory $B/syncdeck $(BENCH_BIN)
	@sh tests/bench/run

# beside what people use today: needs node and npm
bench-peers: deps
	@$(MAKE) --no-print-directory $B/syncdeck $B/tests/bench/peers/ours
	@rc=0; sh tests/bench/peers/run-peers || rc=1; sh tests/bench/peers/run-outbox || rc=1; exit $$rc

demo: deps
	@$(MAKE) --no-print-directory $B/syncdeck
	@$B/syncdeck demo

install: all
	install -Dm755 $B/syncdeck $(DESTDIR)$(PREFIX)/bin/syncdeck
	@for m in assets/man/*.1; do [ -f "$$m" ] && install -Dm644 $$m $(DESTDIR)$(PREFIX)/share/man/man1/$$(basename $$m) || :; done

clean:
	rm -rf build

-include $(shell find $B -name '*.d' 2>/dev/null)
