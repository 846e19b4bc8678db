# SPDX-License-Identifier: LGPL-2.1-or-later
# The front door. Every target does all of its own set-up: what is missing is installed
# with apt, then meson and ninja build. The doors are listed by `make help`.

BUILD := build
NINJA := ninja -C $(BUILD)
# Where to install: make install [PREFIX=DIR] [DESTDIR=DIR]
PREFIX ?= /usr/local
STAGE = "$$(realpath -m -- "$(DESTDIR)")"
# meson asks dpkg-architecture, which a Debian need not have, and takes lib64 without it,
# where the loader does not look. The compiler knows as well.
MULTIARCH = $(if $(wildcard /etc/debian_version),$(shell $(CC) -print-multiarch))
WHERE = --prefix "$(PREFIX)" $(if $(MULTIARCH),--libdir lib/$(MULTIARCH))
# A build that is there learns of a PREFIX that is given now, and of no other.
PLACE = $(if $(filter file,$(origin PREFIX)),:,meson configure $(BUILD) $(WHERE) && \
	$(NINJA) build.ninja >>$(BUILD)/ninja.log)

# Built with: the compiler, the build system, and a well-kept library for each job
# that is not ours: compressed dumps, ELF and DWARF, JSON, hash tables, scenarios,
# SHA-256, terminals; and BPF, to ask the running kernel for its processes.
BUILD_PACKAGES := gcc meson ninja-build pkgconf python3 \
	libdeflate-dev liblzo2-dev libsnappy-dev libzstd-dev \
	zlib1g-dev liblzma-dev liblz4-dev \
	libelf-dev libdw-dev libjansson-dev uthash-dev liblua5.4-dev nettle-dev \
	libncurses-dev libbpf-dev
DOCS_PACKAGES := mkdocs
# Tested with: cmocka, a second reader of kdumps, the sanitizers' second compiler, a
# browser, three shells, programs that compress dumps, one that runs many jobs, the
# documents' site, debuggers with Python, and real guests.
CHECK_PACKAGES := libcmocka-dev libkdumpfile-dev clang libclang-rt-dev mandoc \
	python3-jsonschema chromium chromium-driver zsh fish jq lz4 lzop pigz tabix \
	parallel python3-cffi python3-dev python3-numpy gdb python3-drgn crash $(DOCS_PACKAGES)
LAB_PACKAGES := qemu-system-x86 qemu-system-arm qemu-system-misc opensbi qemu-user \
	gcc-arm-linux-gnueabihf gcc-aarch64-linux-gnu gcc-riscv64-linux-gnu \
	linux-libc-dev-armhf-cross linux-libc-dev-arm64-cross linux-libc-dev-riscv64-cross \
	busybox-static cpio makedumpfile xz-utils zstd \
	binutils bc flex bison libelf-dev kmod
ANALYSE_PACKAGES := clang-tidy cppcheck sparse mypy
MEMORY_PACKAGES := valgrind
COVERAGE_PACKAGES := gcovr
BENCH_PACKAGES := libunicorn-dev # measured beside
# Packaged with: debian/ needs these beside what is built and unit-tested with.
DEB_PACKAGES := build-essential debhelper dh-dkms dh-python dpkg-dev fakeroot lintian \
	libcmocka-dev libkdumpfile-dev python3-cffi python3-dev

help: ## say what there is
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 16

demo: build ## the bug of 2012 on a simulated machine, and each command's view of it
	@tools/demo $(BUILD)

check: packages-check lab-kernels build ## every test, those on real guests included
	@tests/run $(BUILD)

torture: packages-check build ## leave out each frame, fail each allocation: minutes
	@WS_TORTURE_STEP=1 tests/run $(BUILD) --suite torture --timeout-multiplier 0

lab: packages-check build ## boot real kernels under QEMU and dump their memory
	@lab/run --all

prove: packages-check build ## boot real guests, and predict: the bug of 2012, sights, jumps
	@lab/prove --tool $(BUILD)/tools/whosees
	@lab/sight --tool $(BUILD)/tools/whosees
	@lab/jump --tool $(BUILD)/tools/whosees
	@lab/death --tool $(BUILD)/tools/whosees
	@lab/blank --build $(BUILD)
	@lab/modules
	@lab/device --tool $(BUILD)/tools/whosees
	@lab/live --build $(BUILD)
	@lab/mend --build $(BUILD)

# For how long each kind of input is fuzzed, and by what: make fuzz SECONDS=N FUZZER=afl
SECONDS := 60
FUZZER := libfuzzer
FUZZ_BUILD = build-$(if $(filter afl,$(FUZZER)),afl,fuzz)
fuzz: packages-check ## every kind of input from hostile bytes, SECONDS (60) each
	@$(if $(filter afl,$(FUZZER)),tools/packages afl++)
	@test -f $(FUZZ_BUILD)/build.ninja || \
		meson setup $(FUZZ_BUILD) --native-file $(FUZZ_BUILD).ini
	@ninja -C $(FUZZ_BUILD) tests/fuzz/fuzz_target tools/whosees \
		tests/unit/handlers32.ko tests/unit/handlers64.ko
	@tests/fuzz/run $(FUZZER) $(FUZZ_BUILD) $(SECONDS)

docs: packages-docs ## the documents as one site, in build/site
	@mkdocs build --strict --quiet

# What has threads: the pass over all memory, of files, packed dumps and running machines; what
# unpacks a compressed file; and watch --top, which looks beside its keys.
THREADED := view target split compressed top watch qmp gdb
tsan: packages-check ## ThreadSanitizer over what has threads
	@test -f build-tsan/build.ninja || meson setup build-tsan --native-file build-tsan.ini
	@TSAN_OPTIONS=halt_on_error=1 tests/run build-tsan $(THREADED) --timeout-multiplier 0

# How many places of src/ are changed, and which: make mutants N=N SEED=SEED
N := 200
SEED := 1
mutants: packages-check ## change N (200) places of src/, one at a time: hours
	@tests/mutants/run build-mutants $(N) $(SEED)

analyse: packages-check build ## what gcc, clang, clang-tidy, cppcheck, sparse and mypy find
	@tools/packages $(ANALYSE_PACKAGES)
	@tests/analyse/run $(BUILD)

valgrind: packages-check build ## memcheck over programs of tests, and over the tool
	@tools/packages $(MEMORY_PACKAGES)
	@tests/valgrind/run $(BUILD)

coverage: packages-check ## lines and branches that tests without guests run, by folder
	@tools/packages $(COVERAGE_PACKAGES)
	@test -f build-coverage/build.ninja || \
		meson setup build-coverage --native-file build-coverage.ini
	@tests/coverage/run build-coverage

# Whose headers: make module KDIR=DIR
KDIR := /lib/modules/$(shell uname -r)/build
module: ## build module/whosees.ko for the running kernel (module/README.md)
	@$(MAKE) -C "$(KDIR)" M="$(CURDIR)/module" modules

zoo: packages-check build ## every kernel of Debian's, held against its own word
	@lab/zoo

bench: packages-check packages-bench build ## measure, beside libaddrxlat and emulators
	@bench/run $(BUILD)

deb: ## Debian packages of the tree as it is, by lintian's leave, in build/deb
	@tools/packages $(BUILD_PACKAGES) $(DEB_PACKAGES)
	@packaging/deb $(BUILD)/deb

check-deb: ## make deb in a clean Debian 12 and 13, install, try, remove (root; half an hour)
	@tools/packages mmdebstrap
	@packaging/check-deb $(RELEASE)

cross: build ## unit tests for arm64 and s390x, and the same answers (root; half an hour)
	@tools/packages mmdebstrap
	@packaging/cross/check $(ARCH)

static: ## one file that runs without any other, build-static/tools/whosees
	@tools/packages $(BUILD_PACKAGES) g++
	@test -f build-static/build.ninja || meson setup build-static --native-file build-static.ini
	@ninja -C build-static tools/whosees
	@packaging/check-static build-static/tools/whosees

install: build ## library, header, pkg-config file, tool, man pages, completions
	@$(PLACE) && $(NINJA) >>$(BUILD)/ninja.log
	@meson install -C $(BUILD) --no-rebuild $(if $(DESTDIR),--destdir $(STAGE))
	@[ "$$(id -u)" -ne 0 ] || chown -R --reference=. $(BUILD) # its user may go on here

uninstall: $(BUILD)/build.ninja ## what install put there
	@$(PLACE)
	@tools/uninstall $(BUILD) $(if $(DESTDIR),$(STAGE))

build: packages-build $(BUILD)/build.ninja
	@$(NINJA) -v >$(BUILD)/ninja.log 2>&1 || { tail -n 40 $(BUILD)/ninja.log; exit 1; }

$(BUILD)/build.ninja: | packages-build
	@meson setup $(BUILD) --buildtype=release $(WHERE) >$(BUILD).log 2>&1 || \
		{ cat $(BUILD).log; rm -rf $(BUILD); exit 1; }

dev: packages-check ## a second build with ASan, UBSan and werror, in build-dev/
	@test -f build-dev/build.ninja || meson setup build-dev --native-file build-dev.ini
	@ninja -C build-dev

packages-build:
	@tools/packages $(BUILD_PACKAGES)
packages-check:
	@tools/packages $(BUILD_PACKAGES) $(CHECK_PACKAGES) $(LAB_PACKAGES)
packages-docs:
	@tools/packages $(DOCS_PACKAGES)
packages-bench:
	@tools/packages $(BENCH_PACKAGES)
lab-kernels: packages-check build # of each kernel that check boots
	@lab/run --fetch 686-hidden 686-pae amd64 armmp-small riscv64-small
	@lab/zoo --fetch 'bookworm/686-pae@pti=on' 'bookworm/amd64@5 levels'

clean: ## remove what was built (the lab's downloads are kept)
	@rm -rf $(BUILD) build-dev build-fuzz build-afl build-static build-tsan build-mutants \
		build-coverage

.PHONY: help demo module docs check torture fuzz tsan mutants analyse valgrind coverage \
	lab prove zoo bench deb check-deb cross static install uninstall build dev clean \
	packages-build packages-check packages-docs packages-bench lab-kernels
