#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# What the system's own parts make of what is installed: systemd of the unit.
load helpers

# transaction: what systemd would do to boot a system on which dst is enabled and /etc/fstab has a volume with _netdev
transaction() {
	local root=$BATS_TEST_TMPDIR/root units
	units=$root/etc/systemd/system
	install -D -m 644 /usr/lib/systemd/system/dst.service "$root/usr/lib/systemd/system/dst.service"
	systemctl --root="$root" enable dst
	mkdir -p "$units/multi-user.target.wants" "$units/remote-fs.target.requires"
	ln -s /usr/lib/systemd/system/remote-fs.target "$units/multi-user.target.wants/"
	# As systemd-fstab-generator has it.
	printf '%s\n' '[Unit]' Before=remote-fs.target '[Mount]' What=/dev/dst/v Where=/mnt Type=ext4 Options=_netdev > "$units/mnt.mount"
	ln -s ../mnt.mount "$units/remote-fs.target.requires/"
	chmod -R go+rX "$BATS_RUN_TMPDIR"
	if [ ! -e /sys/fs/cgroup/cgroup.procs ] && [ ! -e /sys/fs/cgroup/unified ]; then
		mount -t cgroup2 cgroup /sys/fs/cgroup || return
		defer umount /sys/fs/cgroup
	fi
	# It refuses to do this as root.
	SYSTEMD_UNIT_PATH="$units:" SYSTEMD_LOG_TARGET=console HOME=/ setpriv --reuid=nobody --clear-groups \
		/usr/lib/systemd/systemd --test --system --unit=multi-user.target
}
# unit NAME: what the transaction says of it
unit() { awk -v unit="Unit $1:" '/^\t.* Unit / { found = index($0, unit) } found' "$BATS_TEST_TMPDIR/boot"; }

@test "a unit that is enabled starts at boot, before what is mounted of its volumes" {
	requires command setpriv systemctl
	requires file /usr/lib/systemd/systemd /usr/lib/systemd/system/dst.service
	transaction > "$BATS_TEST_TMPDIR/boot" 2> "$BATS_TEST_TMPDIR/said" || { cat "$BATS_TEST_TMPDIR/said"; return 1; }
	local name
	for name in dst.service remote-fs-pre.target mnt.mount remote-fs.target; do
		unit "$name" | grep -q "Action: $name -> start" || { echo "$name does not start"; return 1; }
	done
	unit dst.service | grep -q "Before: remote-fs-pre.target "
	unit mnt.mount | grep -q "After: remote-fs-pre.target "
	# At the end the other way round: for that both have to stop.
	unit dst.service | grep -q "Conflicts: shutdown.target "
	not grep -i -e cycle -e "dst.service: " "$BATS_TEST_TMPDIR/said"
}
