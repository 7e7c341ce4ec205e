# SPDX-License-Identifier: GPL-2.0
# DST, a distributed block device. `make help` lists what can be asked for.
KDIR ?= /lib/modules/$(shell uname -r)/build
PREFIX ?= /usr
DESTDIR ?=
V ?= 0
WERROR ?= 0
FUZZ_SECONDS ?= 60

# For the test scripts: `make check TESTS=mirror` and `TESTS=mirror make check` are the same.
export KERNEL KERNELS TESTS FILTER JOBS SEED DST_CACHE DST_MIRROR BATS_TEST_TIMEOUT DST_QEMU DST_FULL

ifeq ($(V),1)
  Q :=
else
  Q := @
endif
ifeq ($(WERROR),1)
  kcflags := KCFLAGS=-Werror
endif
sub = $(MAKE) --no-print-directory V=$(V) WERROR=$(WERROR) DESTDIR=$(DESTDIR) PREFIX=$(PREFIX)
kbuild = $(MAKE) --no-print-directory -C $(KDIR) M=$(CURDIR)/kmod $(if $(filter 1,$(V)),V=1) $(kcflags)
users := bpf lib tools
dir-bpf := bpf
dir-lib := libdstbpf
dir-tools := tools

.PHONY: all $(users) modules tests install install-modules install-user install-dkms uninstall check check-debug check-native \
	check-power check-pressure check-long soak shell demo bench lint fuzz model clean help

all: modules $(users)

modules:
	$(Q)[ -e "$(KDIR)/Makefile" ] || { \
		echo "make: no kernel build folder $(KDIR); give one with KDIR= (its package is linux-headers-...)" >&2; exit 1; }
	$(Q)$(kbuild) modules
	$(Q)for section in .BTF .BTF.base .BTF_ids; do \
		readelf -SW kmod/dstblk.ko | grep -qF " $$section " && continue; \
		rm -f kmod/dstblk.ko; \
		echo "make: dstblk.ko got no $$section section, so no policy could ever register: $(KDIR) needs a vmlinux" \
			"with BTF, and this machine pahole and (for .BTF_ids) the kernel's resolve_btfids" >&2; \
		exit 1; \
	done

$(users):
	$(Q)$(sub) -C $(dir-$@) all

tools: lib

# What the tests need besides DST: programs and hostile policies.
tests: lib bpf
	$(Q)$(sub) -C bpf hostile
	$(Q)[ ! -e selftests/Makefile ] || $(sub) -C selftests all

install: install-modules install-user

install-modules: modules
	$(Q)release=$$($(kbuild) -s kernelrelease) && \
	folder="$(DESTDIR)/lib/modules/$$release/updates" && \
	echo "  INSTALL $$folder/dstblk.ko" && \
	install -D -m 644 kmod/dstblk.ko "$$folder/dstblk.ko" && \
	if [ -z "$(DESTDIR)" ]; then depmod "$$release"; fi

install-user: $(users)
	$(Q)for folder in $(foreach user,$(users),$(dir-$(user))); do $(sub) -C $$folder install || exit; done

# The version is dkms.conf's. What DKMS builds there is the module alone.
install-dkms:
	$(Q)folder="$(DESTDIR)/usr/src/dst-$$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)" && \
	echo "  INSTALL $$folder" && \
	install -d "$$folder/kmod/uapi" && \
	install -m 644 Makefile dkms.conf COPYING "$$folder/" && \
	install -m 644 kmod/Kbuild kmod/*.[ch] "$$folder/kmod/" && \
	install -m 644 kmod/uapi/*.h "$$folder/kmod/uapi/"

# Of every kernel, for nobody wants DST half gone. What DKMS has made is DKMS's; /etc/dst is the administrator's.
uninstall:
	$(Q)for folder in $(foreach user,$(users),$(dir-$(user))); do $(sub) -C $$folder uninstall || exit; done
	$(Q)for module in "$(DESTDIR)"/lib/modules/*/updates/dstblk.ko; do \
		[ -e "$$module" ] || continue; \
		folder=$${module%/*} && release=$${folder%/*} && release=$${release##*/} && \
		echo "  REMOVE  $$module" && \
		rm -f "$$module" && rmdir --ignore-fail-on-non-empty "$$folder" && \
		if [ -z "$(DESTDIR)" ]; then depmod "$$release"; fi || exit; \
	done

check:
	$(Q)selftests/vm/run

check-debug:
	$(Q)KERNELS=debug selftests/vm/run

check-native: tests
	$(Q)selftests/vm/run --native

# Kills of VMs under load, each kind so many times.
KILLS ?= 100
check-power:
	$(Q)selftests/power/all $(KILLS)

# A VM with 512 MiB of memory writes four times as much.
check-pressure:
	$(Q)selftests/pressure/run

# Random operations for so long.
SECONDS ?= 3600
unexport SECONDS
soak:
	$(Q)selftests/soak/run $(SECONDS)

check-long: check-power check-pressure soak

shell:
	$(Q)selftests/vm/shell

demo:
	$(Q)selftests/demo/run

bench:
	$(Q)selftests/bench/run

lint:
	$(Q)selftests/lint

fuzz:
	$(Q)selftests/fuzz/run $(FUZZ_SECONDS)

model:
	$(Q)docs/model/run

clean:
	$(Q)if [ -e "$(KDIR)/Makefile" ]; then $(kbuild) clean; else \
		find kmod \( -name '*.o' -o -name '*.ko' -o -name '*.mod' -o -name '*.mod.c' -o -name '.*.cmd' -o -name '.*.d' \
			-o -name Module.symvers -o -name modules.order \) -delete; fi
	$(Q)for folder in $(foreach user,$(users),$(dir-$(user))) selftests; do \
		[ ! -e $$folder/Makefile ] || $(sub) -C $$folder clean || exit; done

help:
	@echo 'Build (needs the headers of the kernel, clang, pahole, libbpf, libmnl, jansson, libblkid):'
	@echo '  all (default)    modules bpf lib tools'
	@echo '  modules          kmod/dstblk.ko for the kernel of KDIR'
	@echo '  bpf              the policies, bpf/*.bpf.o'
	@echo '  lib              libdstbpf'
	@echo '  tools            dstctl and its man pages, completion and units'
	@echo '  tests            what the tests need besides: programs, hostile policies'
	@echo '  install          all of it; depmod runs only without DESTDIR'
	@echo '  install-modules  the module alone'
	@echo '  install-user     all but the module'
	@echo '  install-dkms     the sources of the module in /usr/src, for DKMS'
	@echo '  uninstall        removes what install has put there, the module of every kernel; keeps /etc/dst, and what DKMS made'
	@echo '  clean            removes what was built (not DST_CACHE)'
	@echo
	@echo 'Test, in throw-away VMs (needs root on Debian; installs QEMU and mmdebstrap, makes a Debian tree; no KVM needed):'
	@echo '  check            every test, on each kernel of KERNELS; ends with "N passed, N failed, N skipped"'
	@echo '  check-debug      every test on a kernel with KASAN, lockdep, kmemleak and more (the first time 20 minutes: to build it)'
	@echo '  check-native     every test on this machine: an installed DST that is not in use, root, bats, jq, fio'
	@echo '  check-power      power cuts: VMs under load are killed, KILLS=100 times each of three kinds; takes hours'
	@echo '  check-pressure   a VM writes four times its memory through a mirror in the same kernel; 2 minutes'
	@echo '  soak             random operations on a mirror under load, SECONDS=3600 of them; prints its SEED'
	@echo '  check-long       all tests that take hours'
	@echo '  shell            a prompt in a VM with everything installed; KERNEL=7.3 or debug for another kernel'
	@echo '  demo             shows DST at work in a VM'
	@echo '  bench            instructions per I/O of DST and its peers'
	@echo '  lint             checkpatch, sparse, kernel-doc, shellcheck, codespell, mandoc, gcc -fanalyzer, unit tests, install'
	@echo '  fuzz             libFuzzer, ASan and UBSan over the codecs of the medium and of the wire'
	@echo '  model            the promises of recovery, exhaustively, within the bounds of docs/model/README.md; installs spin'
	@echo
	@echo 'Variables:'
	@echo '  KDIR=$(KDIR)'
	@echo '                   build folder of the kernel to build the module for'
	@echo '  PREFIX=/usr      where to install'
	@echo '  DESTDIR=         root of the installation, for packages'
	@echo '  V=1              print the commands'
	@echo '  WERROR=1         warnings are errors (the tests build so)'
	@echo '  KERNELS="6.12 7.3"  kernels to test on; "debug" is the debug kernel'
	@echo '  TESTS="smoke mirror"  test files of selftests/ to run, without .bats (default: all)'
	@echo '  FILTER=REGEX     only tests with a matching name'
	@echo '  JOBS=2           so many VMs at once (default: one a kernel); 1: the two CPUs of the VM always run at the same time'
	@echo '  BATS_TEST_TIMEOUT=120  limit for a test in seconds; on the debug kernel five times that'
	@echo '  SEED=N           repeats what a test did at random (cuts, soak, check-power print it)'
	@echo '  DST_FULL=1       churn: a thousand volumes; cuts: 500 cuts'
	@echo '  FUZZ_SECONDS=60  how long to fuzz each target'
	@echo '  DST_CACHE=~/.cache/dst  where trees, kernels, builds and results are kept'
	@echo '  DST_MIRROR=URL   Debian mirror (default: the one that apt here uses)'
	@echo '  DST_QEMU=        more words for QEMU'
