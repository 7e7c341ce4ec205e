// SPDX-License-Identifier: GPL-2.0
/*
 * Recovery, docs/recovery.md, as a model for spin: promises R1-R9 as assertions. README.md says what is in it and what
 * is not, how to read a trail, and what each BREAK flag (-DNO_INTENT, ...) takes away; ./run runs everything.
 *
 * One process, whose options are the steps of all machines: a step is one command that a target carries out and
 * replies to, or one decision of an initiator, or one fault. So everything interleaves with everything, but for what
 * README.md names. Nothing says how long a step waits: a node that is off or behind a cut is one that no step reaches,
 * and grace times end whenever they like. A fault is thus the breaking of a session, not a link that is down.
 */

/* The configuration: ./run gives these with -D. */
#ifndef ND
#define ND 2			/* data nodes, the lowest numbers */
#endif
#ifndef NWIT
#define NWIT 1			/* witnesses, the numbers after them: 0 or 1 */
#endif
#ifndef NI
#define NI 1			/* initiators; 0 runs at the beginning */
#endif
#ifndef NB
#define NB 1			/* regions, each of one block */
#endif
#ifndef MAXW
#define MAXW 2			/* writes */
#endif
#ifndef MAXF
#define MAXF 0			/* flushes */
#endif
#ifndef CUTS
#define CUTS 0			/* sessions that break by themselves */
#endif
#ifndef CRASHES
#define CRASHES 0		/* initiators that lose their memory */
#endif
#ifndef POWER
#define POWER 0			/* nodes that lose their caches */
#endif
#ifndef SWAPS
#define SWAPS 0			/* nodes that get a blank medium */
#endif
#ifndef ASMS
#define ASMS 0			/* assemblies, all with --takeover */
#endif
#ifndef FORCE
#define FORCE 0			/* assemblies with --degraded among them */
#endif
#ifndef STOPS
#define STOPS 0			/* orderly stops */
#endif
#ifndef CLEARS
#define CLEARS 1		/* times that bits are cleared */
#endif
#ifndef MAXA
#define MAXA 7			/* ages, at most 7; number 1 is there at the beginning */
#endif
#if POWER + SWAPS == 0
#define STABLE 1		/* what a node has acknowledged it has; then these say nothing, and only make states */
#define UNFLUSHED(i, m)
#else
#define STABLE 0
#define UNFLUSHED(i, m) unf[i] = unf[i] | (m);
#endif

#define NN (ND + NWIT)
#define B(n) (1 << (n))
#define has(m, n) (((m) >> (n)) & 1)
#define ALLN (B(NN) - 1)
#define DN (B(ND) - 1)
#define ALLB (B(NB) - 1)
#define BLANK 7			/* what is on a medium that was never written; no write has this number */
#define cnt(m) (has(m, 0) + has(m, 1) + has(m, 2) + has(m, 3))
#define first(m) (has(m, 0) -> 0 : (has(m, 1) -> 1 : 2))
#define V(n, b) ((n) * NB + (b))

/* What is on the media */
byte dur[ND * NB];		/* the block, on stable storage */
byte cac[ND * NB];		/* the block, as a read sees it */
byte bits[NN];			/* the bitmap */
byte age[NN];			/* the superblock's age; 0: blank */
byte claim[NN];			/* the superblock's owner: the assembly that took the node last */
byte clean;			/* nodes whose superblock says so */
/* What is in superblocks of that age, so only found by who reads one. */
byte elder[8];			/* the age and its ancestors */
byte ins[8];			/* the nodes in sync */
byte forced;			/* ages that were made after an operator's --degraded */
byte nages = 1;

/* In the targets: the write of a session that is gone and that the device has not finished */
byte zv[ND], zb[ND];

/* The initiators */
#define OFF 0
#define ASM 1
#define RUN 2
#define DYING 3			/* its sessions are being closed; nothing else happens meanwhile */
byte st[NI];
byte con[NI];			/* nodes that it has a session with: no other has one */
byte isy[NI];			/* data nodes in sync; those without a session are lost, the others up */
byte newi[NI];			/* nodes whose instance is another one than at the last session */
byte unf[NI];			/* nodes written to since they were flushed */
byte me[NI];			/* its number as an owner: that of its assembly */
byte cura[NI];			/* its age */
byte bm[NI];			/* nodes that are known to have it */
byte lastf[NI];			/* the last age that reached a quorum */
byte mbit[NI];			/* regions whose bit is set */
byte uncl[NI];			/* unclean regions */
byte miss[NI * NN];		/* of a node that is syncing: regions that it lacks */
bit degr[NI];			/* assembled with --degraded */
/* the one request under way, if any */
#define INTENT 1
#define DATA 2
#define FLUSH 3
byte opk[NI];
byte opw[NI];			/* number of the write */
byte opb[NI];			/* its block */
byte opd[NI];			/* nodes that have done it */
bit opa[NI];			/* acknowledged (early) */

/* What only the model knows */
byte cand[NB];			/* values that a read may find, a bit each */
byte safe[NB];			/* values that it may find when caches were lost and the initiator, too */
byte ackw[NB];			/* the latest acknowledged write */
bit lossy;			/* a cache was lost since the last flush */
byte wrote;			/* ages under which a write was acknowledged */
byte cur = 1;			/* the initiator that assembled last, plus 1 */
bit split;			/* an operator said --degraded: reads may find what that lost */
bit swapped;
byte nw, nf, ncut, ncrash, npow, nswap, nasm, nforce, nstop, nclear;

/* scratch, in a step only */
#ifdef SHORTEST			/* for -DBFS, which has no hidden variables */
#define HIDDEN
#define END k = 0; m = 0; a = 0; c = 0; t = 0; ok = 0; S = 0 }
#else
#define HIDDEN hidden
#define END k = 0 }		/* a d_step must not end in a loop */
#endif
HIDDEN byte k, m, a, c, t, ok, S;

#define dying(i) (st[i] == DYING)
#if NI == 2
#define calm (!dying(0) && !dying(1))
#else
#define calm (!dying(0))
#endif
#define running(i) (calm && st[i] == RUN)
#define quorum(i) (degr[i] || 2 * cnt(con[i]) >= NN)
#define in_force(i) (lastf[i] == cura[i])
#define serving(i) (running(i) && lastf[i] != 0 && quorum(i))
#define up(i) (isy[i] & con[i])
#define todo(i) ((isy[i] | (con[i] & DN)) & ~opd[i])
#define flushtodo(i) (isy[i] & ~opd[i])
/* Nobody else has taken the node since. */
#ifdef NO_CLAIM
#define ours(i, n) (age[n] != 0)
#else
#define ours(i, n) (claim[n] == me[i])
#endif
#ifdef NO_DRAIN
#define drained(n) (1)
#else
#define drained(n) (zv[n] == 0)
#endif
/* What the superblocks say is what is so. */
#define recorded(i) (ins[cura[i]] == isy[i] && in_force(i))

inline forget(i) {
	/* an age that nobody ever saw: its number is free again, to keep the states few */
	c = 0;
	do
	:: c < NN && age[c] != nages -> c++
	:: c < NN && age[c] == nages -> break
	:: else ->
		if
		:: cura[i] == nages -> elder[nages] = 0; ins[nages] = 0; forced = forced & ~B(nages); nages--
		:: else
		fi;
		break
	od;
	con[i] = 0; isy[i] = 0; newi[i] = 0; unf[i] = 0; me[i] = 0; cura[i] = 0; bm[i] = 0; lastf[i] = 0;
	mbit[i] = 0; uncl[i] = 0; degr[i] = 0; opk[i] = 0; opw[i] = 0; opb[i] = 0; opd[i] = 0; opa[i] = 0;
	c = 0;
	do
	:: c < NN -> miss[i * NN + c] = 0; c++
	:: else -> break
	od
}

inline opend(i) { opk[i] = 0; opw[i] = 0; opb[i] = 0; opd[i] = 0; opa[i] = 0; }

/* i's age is new, a child of parent, and on no node yet */
inline newage(i, parent) {
	nages++;
	elder[nages] = elder[parent] | B(nages);
	ins[nages] = isy[i];
	if :: degr[i] -> forced = forced | B(nages) :: else fi;
	cura[i] = nages;
	bm[i] = 0;
}

/* An age counts when half of the nodes have it. */
#define counts(i) (2 * cnt(bm[i]) >= NN || (degr[i] && (bm[i] & DN) != 0))
/* node n has i's age, and i knows */
inline hasage(i, n) {
	age[n] = cura[i];
#ifndef STAYS_CLEAN
	clean = clean & ~B(n);
#endif
	bm[i] = bm[i] | B(n);
	if
	:: counts(i) -> lastf[i] = cura[i]
	:: else
	fi
}

/* What i has under way at n when their session ends: e & 1: its new age, e & 2: its request, which nobody waits for */
#define pend_age(i, n) (st[i] != ASM && cura[i] != 0 && has(con[i] & ~bm[i], n))
#define pend_op(i, n) ((n) < ND && (opk[i] == INTENT || opk[i] == DATA) && !has(opd[i], n) && zv[(n) % ND] == 0)
#define may_tail(i, n, e) ((!((e) & 1) || pend_age(i, n)) && (!((e) & 2) || pend_op(i, n)))
inline tail(i, n, e) {
	if
	:: (e) & 1 -> age[n] = cura[i]; clean = clean & ~B(n)
	:: else
	fi;
	if
	:: ((e) & 2) && opk[i] == INTENT -> bits[n] = bits[n] | B(opb[i])
	:: ((e) & 2) && opk[i] == DATA -> zv[(n) % ND] = opw[i]; zb[(n) % ND] = opb[i]
	:: else
	fi
}
inline unsession(i, n) {
	con[i] = con[i] & ~B(n);
	miss[i * NN + n] = 0
}

/* ---- requests ---- */
inline issue(i, b) {
	nw++;
	opw[i] = nw; opb[i] = b; opd[i] = 0;
	cand[b] = cand[b] | B(nw);
	safe[b] = safe[b] | (STABLE -> 0 : B(nw));
#ifdef NO_INTENT
	opk[i] = DATA;
#else
	if :: has(mbit[i], b) -> opk[i] = DATA :: else -> opk[i] = INTENT fi;
#endif
}
/* One that was superseded and does not know acknowledges what it never flushed, and caches were lost: that may be gone. */
#define LATE(i) (!STABLE && cur != i + 1)
inline ack(i) {
	/* R1, R5: what is acknowledged is there, or was overwritten since */
	assert(split || LATE(i) || has(cand[opb[i]], opw[i]) || opw[i] < ackw[opb[i]]);
	if
	:: has(cand[opb[i]], opw[i]) && !LATE(i) ->
		cand[opb[i]] = (cand[opb[i]] >> opw[i]) << opw[i]
	:: else
	fi;
	if :: opw[i] > ackw[opb[i]] && !LATE(i) -> ackw[opb[i]] = opw[i] :: else fi;
	wrote = wrote | B(cura[i]);
	/* R1: on a leg, and the legs that it misses are durably said to miss it */
	k = 0; c = 0;
	do
	:: k < ND ->
		if
		:: cac[V(k, opb[i])] >= opw[i] && cac[V(k, opb[i])] != BLANK -> c++
#ifndef EARLY
		:: else -> assert(!STABLE || split || !has(ins[cura[i]], k))
#else
		:: else
#endif
		fi;
		k++
	:: else -> break
	od;
	assert(!STABLE || split || c >= 1);
	if
	:: todo(i) == 0 -> opend(i)
	:: else -> opa[i] = 1
	fi
}
#ifdef ACK_BEFORE_AGE
#define may_ack(i) (1)
#else
#define may_ack(i) recorded(i)
#endif
#ifdef FLUSH_BEFORE_AGE
#define may_ackf(i) (1)
#else
#define may_ackf(i) recorded(i)
#endif
#ifdef EARLY
#ifdef EARLY_ANY_LEG
#define enough(i) (opd[i] & isy[i])
#else
#define enough(i) has(opd[i], first(isy[i]))
#endif
#else
#define enough(i) (todo(i) == 0)
#endif
inline flushed(i) {
	k = 0;
	do
	:: k < NB && cur == i + 1 ->
		/* R7 */
		safe[k] = (safe[k] >> ackw[k]) << ackw[k];
		k++
	:: else -> break
	od;
	if :: cur == i + 1 -> lossy = 0 :: else fi;
	opend(i)
}
inline flushnode(n) {
	k = 0;
	do
	:: !STABLE && k < NB -> dur[V(n, k)] = cac[V(n, k)]; k++
	:: else -> break
	od
}

/* R2, R3: may i be given block b by n? */
#ifdef READ_SYNCING
#define got(i, n, b) (1)
#else
#define got(i, n, b) (!has(miss[i * NN + n], b))
#endif
#ifdef READ_FIXED
#define even(i, n, b) (!has(uncl[i], b) || n == first(isy[i]))
#else
#define even(i, n, b) (!has(uncl[i], b))
#endif
#ifdef EARLY_READ
#define settled(i, n, b) (1)
#else
#define settled(i, n, b) (!(opa[i] && opb[i] == b && !has(opd[i], n)))
#endif
#define readable(i, n, b) (serving(i) && cur == i + 1 && has(con[i], n) && drained(n) && got(i, n, b) && \
	even(i, n, b) && settled(i, n, b))
#define writing(i, b) ((opk[i] == INTENT || opk[i] == DATA) && opb[i] == b)
#define copying(i, b) (!(opk[i] == DATA && opb[i] == b))

/* ---- bitmap ---- */
#ifdef CLEAR_ABSENT
#define may_clear(i, b) (up(i) == isy[i])
#else
#define may_clear(i, b) (up(i) == DN && ins[cura[i]] == DN && in_force(i))
#endif
inline clear(i, b, left) {
	nclear++;
	k = 0;
	do
	:: k < ND && has(con[i], k) ->
#ifndef CLEAR_UNFLUSHED
		flushnode2(k);
		unf[i] = unf[i] & ~B(k);
#endif
		if :: !has(left, k) -> bits[k] = bits[k] & ~B(b) :: else fi;
		k++
	:: k < ND && !has(con[i], k) -> k++
	:: else -> break
	od;
	mbit[i] = mbit[i] & ~B(b)
}
inline flushnode2(n) {
	c = 0;
	do
	:: !STABLE && c < NB -> dur[V(n, c)] = cac[V(n, c)]; c++
	:: else -> break
	od
}

/* ---- nodes that come back ---- */
#define older(i, n) has(elder[cura[i]], age[n])	/* or equal */
#define younger(i, n) (!older(i, n) && has(elder[age[n]], cura[i]))
#define diverged(i, n) (age[n] != 0 && !older(i, n) && !younger(i, n))
#define byforce(i, n) ((elder[age[n]] ^ elder[cura[i]]) & forced)
/* An age of another branch reached no quorum when one of ours did after the branches parted. */
#ifdef DOC_ORPHAN
#define orphan(i, n) (0)
#else
#define orphan(i, n) (diverged(i, n) && !byforce(i, n) && !has(elder[age[n]], lastf[i]) && lastf[i] != 0)
#endif
#ifdef MERGE_DIVERGED
#define welcome(i, n) (age[n] == 0 || older(i, n) || diverged(i, n))
#else
#define welcome(i, n) (age[n] == 0 || older(i, n) || orphan(i, n))
#endif
#define superseded(i, n) (younger(i, n) || (diverged(i, n) && !byforce(i, n) && !welcome(i, n) && \
	has(elder[age[n]], lastf[i])))
#if NI == 2
#define free(i, n) (!has(con[0] | con[1], n))
#else
#define free(i, n) (!has(con[0], n))
#endif
#ifdef RESUME_NEW_INSTANCE
#define kept(i, n) (1)
#else
#define kept(i, n) (!has(newi[i], n) || !has(unf[i], n) || LASTLEG(i))
#ifdef NO_ERROR
#define LASTLEG(i) ((isy[i] & ~(newi[i] & unf[i])) == 0)
#else
#define LASTLEG(i) (0)
#endif
#endif
#ifdef RESUME_ANY_AGE
#define untouched(i, n) (age[n] != 0)
#else
#define untouched(i, n) (older(i, n) && ours(i, n))
#endif
#define may_resume(i, n) (untouched(i, n) && ((n) >= ND || has(isy[i], n) && kept(i, n)))
inline resume(i, n) {
	con[i] = con[i] | B(n);
	newi[i] = newi[i] & ~B(n);
}
/*
 * A node that is not in sync, or that somebody else has taken meanwhile, gets no age that does not count yet, and
 * not one that it had before.
 */
#ifdef LOOK_EARLY
#define may_look_yet(i) (1)
#else
#define may_look_yet(i) in_force(i)
#endif
#define may_look(i, n) (!has(isy[i] | ins[cura[i]], n) && welcome(i, n) && may_look_yet(i) && \
	((n) >= ND || (up(i) & DN)) && (ours(i, n) || !has(bm[i], n)))
#define taken(i, n) (!has(con[i] | isy[i], n) && free(i, n) && has(bm[i], n) && !ours(i, n) && welcome(i, n))
inline look(i, n) {
	/* R8: nothing acknowledged is on the branch that is given up */
	assert((elder[age[n]] & ~elder[cura[i]] & wrote) == 0);
	con[i] = con[i] | B(n);
	claim[n] = me[i];
	newi[i] = newi[i] & ~B(n);
	UNFLUSHED(i, B(n) & DN)
	if
	:: n < ND && age[n] == 0 ->
		bits[n] = ALLB;
		miss[i * NN + n] = ALLB
	:: n < ND && age[n] != 0 ->
#ifdef DOC_BITMAP
		/* only what the volume's bitmap has, and that is what is on the node then */
		miss[i * NN + n] = mbit[i];
		bits[n] = mbit[i]
#else
		miss[i * NN + n] = mbit[i] | bits[n];
		bits[n] = bits[n] | mbit[i]
#endif
	:: else
	fi;
	hasage(i, n)
}
inline join(i, n) {
#ifndef JOIN_UNFLUSHED
	flushnode(n);
	unf[i] = unf[i] & ~B(n);
#endif
	isy[i] = isy[i] | B(n)
}
inline copyto(i, n, b) {
	cac[V(n, b)] = cac[V(first(up(i)), b)];
	UNFLUSHED(i, B(n))
	miss[i * NN + n] = miss[i * NN + n] & ~B(b)
}
/* R3: all legs in sync become like the first one. Not before it is recorded that the others are not. */
#ifdef EQUALIZE_BEFORE_AGE
#define may_equalize(i) (lastf[i] != 0)
#else
#define may_equalize(i) recorded(i)
#endif
inline equalize(i, b) {
	c = first(isy[i]);
	k = 0;
	do
	:: k < ND && has(isy[i], k) && k != c ->
		cac[V(k, b)] = cac[V(c, b)];
		UNFLUSHED(i, B(k))
		k++
	:: k < ND && !(has(isy[i], k) && k != c) -> k++
	:: else -> break
	od;
	uncl[i] = uncl[i] & ~B(b)
}
/* A lost leg may be given up: somebody else has everything. */
#ifdef EARLY
#ifdef EARLY_DROP
#define may_drop(i, n) ((up(i) & ~B(n)) != 0)
#else
#define may_drop(i, n) ((up(i) & ~B(n)) != 0 && (uncl[i] == 0 || n != first(isy[i])) && \
	(!opa[i] || has(opd[i], first(isy[i] & ~B(n)))))
#endif
#else
#define may_drop(i, n) ((up(i) & ~B(n)) != 0)
#endif

/* ---- assembling ---- */
#ifdef DOC_ASSEMBLY
#define mayhavecounted(i, a) (1)
#else
#define mayhavecounted(i, a) (has(forced, a) || 2 * (c + NN - cnt(con[i])) >= NN)
#endif
/*
 * t: the age to go on from, 0: the nodes of con[i] do not tell. It is the youngest that may have counted: the nodes that
 * have it or a child of it, and those that are not here, are enough. Two such of which neither is the other's ancestor
 * are told apart only by more nodes.
 */
inline elect(i) {
	t = 0;
	ok = 0;		/* all that may have counted */
	a = 1;
	do
	:: a <= nages ->
		c = 0;
		k = 0;
		do
		:: k < NN ->
			if :: has(con[i], k) && has(elder[age[k]], a) -> c++ :: else fi;
			k++
		:: else -> break
		od;
		if
		:: c != 0 && mayhavecounted(i, a) -> t = a; ok = ok | B(a)
		:: else
		fi;
		a++
	:: else -> break
	od;
#ifndef MERGE_DIVERGED
	if :: ok & ~elder[t] -> t = 0 :: else fi
#endif
}
/* S: nodes of con[i] that are in sync at age t: each age on the way from there to theirs and the last one say so */
inline insync(i) {
	S = 0;
	m = 0;
	do
	:: m < ND && has(con[i], m) ->
		ok = has(ins[t], m);
#ifdef DOC_ASSEMBLY
		ok = ok && age[m] == t;
#endif
		k = 1;
		do
		:: k <= nages ->
			if :: has(elder[t] ^ elder[age[m]], k) && !has(ins[k], m) -> ok = 0 :: else fi;
			k++
		:: else -> break
		od;
#ifdef STALE_IN_SYNC
		ok = 1;
#endif
		if :: ok -> S = S | B(m) :: else fi;
		m++
	:: m < ND && !has(con[i], m) -> m++
	:: else -> break
	od
}
inline assemble(i, force) {
	elect(i);
	if
	:: t != 0 -> insync(i)
	:: else -> S = 0
	fi;
	/* R9: with everything there, nobody need be called */
	assert(con[i] != ALLN || split || swapped || S != 0);
	if
	:: force && S == 0 -> S = con[i] & DN;	/* the operator says so; see config C for what that may mean */
		t = age[first(con[i] & DN)]
	:: else
	fi;
#ifdef EARLY
#ifndef EARLY_ANY_FIRST
	/* what was acknowledged early is on the first leg for sure */
	if :: S != 0 && !force && !has(S, first(ins[t])) -> S = 0 :: else fi;
#endif
#endif
	if
	:: S != 0 && nages < MAXA ->
		/* R1, R5, R8: built on everything that was acknowledged */
		assert(split || force || (wrote & ~elder[t]) == 0);
		if :: force -> split = 1; nforce++; degr[i] = 1 :: else fi;
		isy[i] = S;
		con[i] = con[i] & (S | ~DN);	/* the others are looked at later, like any that come back */
		k = 0; c = 0; ok = 1;
		do
		:: k < ND ->
			if :: has(S, k) -> c = c | bits[k] :: else fi;
			if :: has(S, k) && !has(clean, k) -> ok = 0 :: else fi;
			k++
		:: else -> break
		od;
		mbit[i] = c;
		/* The bitmaps of nodes in sync are made the same before they have the new age; in one step with it here. */
		k = 0;
		do
		:: k < ND ->
			if :: has(S, k) -> bits[k] = bits[k] | c :: else fi;
			k++
		:: else -> break
		od;
#ifndef NO_UNCLEAN
		if :: !ok -> uncl[i] = c :: else fi;
#endif
		newage(i, t);
		UNFLUSHED(i, S)		/* who knows what is in their caches */
		st[i] = RUN;
		cur = i + 1;
		if
		:: lossy ->
			k = 0;
			do
			:: k < NB -> cand[k] = cand[k] | safe[k]; k++
			:: else -> break
			od;
			lossy = 0
		:: else
		fi
	:: else
	fi
}
#ifdef MINORITY_ASSEMBLE
#define may_assemble(i) (con[i] & DN)
#else
#define may_assemble(i) (2 * cnt(con[i]) > NN)
#endif

inline powerloss(n, keep) {
	k = 0;
	do
	:: k < NB ->
		if
		:: cac[V(n, k)] != dur[V(n, k)] && keep -> dur[V(n, k)] = cac[V(n, k)]
		:: cac[V(n, k)] != dur[V(n, k)] && !keep -> cac[V(n, k)] = dur[V(n, k)]; lossy = 1
		:: else
		fi;
		k++
	:: else -> break
	od;
	zv[n] = 0; zb[n] = 0;
	k = 0;
	do
	:: k < NI ->
		if
		:: st[k] != OFF ->
			if :: has(con[k] | isy[k], n) -> newi[k] = newi[k] | B(n) :: else fi;
			unsession(k, n)
		:: else
		fi;
		k++
	:: else -> break
	od
}
inline swap(n) {
	k = 0;
	do
	:: n < ND && k < NB -> dur[V((n) % ND, k)] = BLANK; cac[V((n) % ND, k)] = BLANK; k++
	:: else -> break
	od;
	if :: n < ND -> zv[(n) % ND] = 0; zb[(n) % ND] = 0 :: else fi;
	age[n] = 0; claim[n] = 15; bits[n] = 0; clean = clean & ~B(n);
	swapped = 1;
	k = 0;
	do
	:: k < NI ->
		if
		:: st[k] != OFF ->
			if :: has(con[k] | isy[k], n) -> newi[k] = newi[k] | B(n) :: else fi;
			bm[k] = bm[k] & ~B(n);
			unsession(k, n)
		:: else
		fi;
		k++
	:: else -> break
	od
}

/* ---- the steps ---- */
/* of initiator i and region b */
#define STEPS_B(i, b) \
	:: d_step { serving(i) && opk[i] == 0 && nw < MAXW -> printf("%d: write %d of block %d\n", i, nw + 1, b); issue(i, b); END \
	:: d_step { running(i) && has(mbit[i], b) && nclear < CLEARS && may_clear(i, b) && !has(uncl[i], b) && !writing(i, b) -> \
		printf("%d: clears bit %d\n", i, b); clear(i, b, 0); END \
	:: d_step { running(i) && has(mbit[i], b) && nclear < CLEARS && may_clear(i, b) && !has(uncl[i], b) && !writing(i, b) -> \
		printf("%d: clears bit %d, not on node 0\n", i, b); clear(i, b, 1); END \
	:: d_step { running(i) && has(uncl[i], b) && may_equalize(i) && copying(i, b) && up(i) == isy[i] && settledall(i) -> \
		printf("%d: makes block %d the same\n", i, b); equalize(i, b); END \
	STEPS_BN(i, b, 0) STEPS_BN(i, b, 1) STEPS_BN3(i, b)
#define settledall(i) (settledone(i, 0) && settledone(i, 1) && settledone(i, ND - 1))
#define settledone(i, n) (!has(isy[i], n) || drained(n))
#define STEPS_BN(i, b, n) \
	:: d_step { readable(i, n, b) && !split && !has(cand[b], cac[V(n, b)]) -> \
		printf("%d: reads %d of block %d from %d\n", i, cac[V(n, b)], b, n); assert(false); END \
	:: d_step { readable(i, n, b) && !split && !writing(i, b) && cand[b] != B(cac[V(n, b)]) && has(cand[b], cac[V(n, b)]) -> \
		printf("%d: reads %d of block %d from %d\n", i, cac[V(n, b)], b, n); cand[b] = B(cac[V(n, b)]); END \
	:: d_step { running(i) && has(con[i] & ~isy[i], n) && has(miss[i * NN + n], b) && copying(i, b) && up(i) != 0 && \
		!has(uncl[i], b) && drained(n) && drained(first(up(i))) -> \
		printf("%d: copies block %d to %d\n", i, b, n); copyto(i, n, b); END
#if ND == 3
#define STEPS_BN3(i, b) STEPS_BN(i, b, 2)
#else
#define STEPS_BN3(i, b)
#endif

#define CUT(i, n, e) \
	:: d_step { calm && st[i] != OFF && has(con[i], n) && ncut < CUTS && may_tail(i, n, e) -> \
		printf("%d: session with %d breaks (%d)\n", i, n, e); ncut++; tail(i, n, e); unsession(i, n); END \
	:: d_step { dying(i) && has(con[i], n) && (con[i] & (B(n) - 1)) == 0 && may_tail(i, n, e) -> \
		printf("%d: dead, session with %d ends (%d)\n", i, n, e); tail(i, n, e); unsession(i, n); END
#if NI == 2
#ifdef NO_FENCE
#define oust(i, n)
#else
#define oust(i, n) unsession((1 - i), n)
#endif
#define TAKE(i, n, e) \
	:: d_step { calm && st[i] == ASM && !has(con[i], n) && age[n] != 0 && has(con[1 - i], n) && may_tail((1 - i), n, e) -> \
		printf("%d: takes %d over (%d)\n", i, n, e); tail((1 - i), n, e); oust(i, n); con[i] = con[i] | B(n); claim[n] = me[i]; END \
	:: d_step { calm && st[i] == ASM && !has(con[i], n) && age[n] != 0 && has(con[1 - i], n) && may_tail((1 - i), n, e) -> \
		printf("%d: takes %d over (%d), %d is told\n", i, n, e, 1 - i); \
		tail((1 - i), n, e); oust(i, n); con[i] = con[i] | B(n); claim[n] = me[i]; FENCED(1 - i); END
#ifdef NO_FENCE
#define FENCED(i)
#else
#define FENCED(i) st[i] = DYING
#endif
#else
#define TAKE(i, n, e)
#endif

/* of initiator i and any node n */
#define STEPS_N(i, n) \
	CUT(i, n, 0) CUT(i, n, 1) CUT(i, n, 2) CUT(i, n, 3) TAKE(i, n, 0) TAKE(i, n, 1) TAKE(i, n, 2) TAKE(i, n, 3) \
	:: d_step { running(i) && has(con[i] & ~bm[i], n) -> \
		printf("%d: age %d on %d\n", i, cura[i], n); hasage(i, n); END \
	:: d_step { running(i) && free(i, n) && may_look(i, n) -> \
		printf("%d: %d is back with age %d, gets %d\n", i, n, age[n], cura[i]); look(i, n); END \
	:: d_step { running(i) && free(i, n) && may_resume(i, n) -> \
		printf("%d: %d is back within the grace time\n", i, n); resume(i, n); END \
	:: d_step { running(i) && lastf[i] != 0 && taken(i, n) && quorum(i) && up(i) != 0 && nages < MAXA -> \
		printf("%d: age %d, to get %d back\n", i, nages + 1, n); newage(i, cura[i]); END \
	:: d_step { running(i) && free(i, n) && superseded(i, n) -> \
		printf("%d: finds age %d on %d, is fenced\n", i, age[n], n); st[i] = DYING; END \
	:: d_step { running(i) && lastf[i] != 0 && free(i, n) && diverged(i, n) && !welcome(i, n) && !superseded(i, n) && !split -> \
		printf("%d: refuses %d with age %d\n", i, n, age[n]); \
		/* R9: only what an operator did needs one */ \
		assert(false); END \
	:: d_step { calm && st[i] == ASM && !has(con[i], n) && age[n] != 0 && free(i, n) -> \
		printf("%d: assembling, connects to %d\n", i, n); con[i] = con[i] | B(n); claim[n] = me[i]; END

/* of initiator i and data node n */
#define STEPS_D(i, n) \
	:: d_step { running(i) && opk[i] == INTENT && has(con[i] & ~opd[i], n) -> \
		printf("%d: bit %d on %d\n", i, opb[i], n); bits[n] = bits[n] | B(opb[i]); opd[i] = opd[i] | B(n); END \
	:: d_step { running(i) && opk[i] == DATA && has(con[i] & ~opd[i], n) && drained(n) -> \
		printf("%d: write %d on %d\n", i, opw[i], n); cac[V(n, opb[i])] = opw[i]; opd[i] = opd[i] | B(n); UNFLUSHED(i, B(n)) \
		if :: opa[i] && todo(i) == 0 -> opend(i) :: else fi; END \
	:: d_step { running(i) && opk[i] == FLUSH && has(up(i) & ~opd[i], n) && drained(n) -> \
		printf("%d: flush on %d\n", i, n); flushnode(n); opd[i] = opd[i] | B(n); unf[i] = unf[i] & ~B(n); END \
	:: d_step { running(i) && lastf[i] != 0 && has(isy[i] & ~con[i], n) && may_drop(i, n) -> \
		printf("%d: goes on without %d\n", i, n); isy[i] = isy[i] & ~B(n); newi[i] = newi[i] & ~B(n); unf[i] = unf[i] & ~B(n); \
		if :: opa[i] && todo(i) == 0 -> opend(i) :: else fi; END \
	:: d_step { running(i) && has(con[i] & ~isy[i], n) && miss[i * NN + n] == 0 && !(opk[i] == DATA && !has(opd[i], n)) && \
		drained(n) && bm[i] != 0 && has(bm[i], n) -> \
		printf("%d: %d is in sync\n", i, n); join(i, n); END

#define STEPS_I(i) \
	:: d_step { running(i) && opk[i] == INTENT && todo(i) == 0 && up(i) != 0 -> \
		mbit[i] = mbit[i] | B(opb[i]); opk[i] = DATA; opd[i] = 0; END \
	:: d_step { running(i) && opk[i] == DATA && !opa[i] && may_ack(i) && (opd[i] & isy[i]) != 0 && enough(i) -> \
		printf("%d: write %d is acknowledged\n", i, opw[i]); ack(i); END \
	:: d_step { serving(i) && opk[i] == 0 && nf < MAXF && (STABLE || unf[i] != 0) -> printf("%d: flush\n", i); nf++; opk[i] = FLUSH; END \
	:: d_step { running(i) && opk[i] == FLUSH && may_ackf(i) && flushtodo(i) == 0 && (opd[i] & isy[i]) != 0 -> \
		printf("%d: flush is acknowledged\n", i); flushed(i); END \
	:: d_step { running(i) && lastf[i] != 0 && ins[cura[i]] != isy[i] && up(i) != 0 && quorum(i) && nages < MAXA -> \
		printf("%d: age %d, in sync: %d\n", i, nages + 1, isy[i]); newage(i, cura[i]); END \
	/* every leg may have lost what was not flushed: an error, as a disk would give one */ \
	:: d_step { running(i) && isy[i] != 0 && (isy[i] & ~(newi[i] & unf[i])) == 0 -> \
		printf("%d: no leg has everything, fails\n", i); st[i] = DYING; END \
	:: d_step { calm && st[i] != OFF && ncrash < CRASHES -> printf("%d: crashes\n", i); ncrash++; st[i] = DYING; END \
	:: d_step { running(i) && nstop < STOPS && opk[i] == 0 && recorded(i) && uncl[i] == 0 && up(i) == isy[i] && settledall(i) -> \
		printf("%d: stops\n", i); nstop++; stop(i); END \
	:: d_step { dying(i) && con[i] == 0 -> forget(i); st[i] = OFF; END \
	:: d_step { calm && st[i] == OFF && nasm < ASMS -> printf("%d: assembles\n", i); nasm++; me[i] = nasm; st[i] = ASM; END \
	:: d_step { calm && st[i] == ASM && may_assemble(i) -> \
		printf("%d: has %d, goes on from there\n", i, con[i]); assemble(i, 0); END \
	:: d_step { calm && st[i] == ASM && nforce < FORCE && (con[i] & DN) != 0 -> \
		printf("%d: has %d, --degraded\n", i, con[i]); assemble(i, 1); END
/* flushed, then marked clean on every node that is there */
inline stop(i) {
	k = 0;
	do
	:: k < ND && has(con[i], k) && has(isy[i], k) -> flushnode2(k); k++
	:: k < ND && !(has(con[i], k) && has(isy[i], k)) -> k++
	:: else -> break
	od;
	clean = clean | (con[i] & bm[i]);
	st[i] = DYING
}

/* of node n */
#define STEPS_TARGET(n) \
	:: d_step { calm && zv[n] != 0 -> printf("node %d: an old write %d lands\n", n, zv[n]); \
		cac[V(n, zb[n])] = zv[n]; zv[n] = 0; zb[n] = 0; END \
	:: d_step { calm && npow < POWER -> printf("node %d: loses power and its cache\n", n); npow++; powerloss(n, 0); END \
	:: d_step { calm && npow < POWER -> printf("node %d: loses power, not its cache\n", n); npow++; powerloss(n, 1); END
#define STEPS_SWAP(n) \
	:: d_step { calm && nswap < SWAPS -> printf("node %d: gets a blank medium\n", n); nswap++; swap(n); END

#if NN == 2
#define EACH_N(X, i) X(i, 0) X(i, 1)
#elif NN == 3
#define EACH_N(X, i) X(i, 0) X(i, 1) X(i, 2)
#endif
#if ND == 2
#define EACH_D(X, i) X(i, 0) X(i, 1)
#else
#define EACH_D(X, i) X(i, 0) X(i, 1) X(i, 2)
#endif
#if NB == 1
#define EACH_B(i) STEPS_B(i, 0)
#else
#define EACH_B(i) STEPS_B(i, 0) STEPS_B(i, 1)
#endif
#define INITIATOR(i) STEPS_I(i) EACH_N(STEPS_N, i) EACH_D(STEPS_D, i) EACH_B(i)
#define TARGET1(i, n) STEPS_TARGET(n)
#define SWAP1(i, n) STEPS_SWAP(n)

active proctype world() {
	d_step {
		elder[1] = B(1);
		ins[1] = DN;
		k = 0;
		do
		:: k < NN -> age[k] = 1; k++
		:: else -> break
		od;
		k = 0;
		do
		:: k < NB -> cand[k] = 1; safe[k] = 1; k++
		:: else -> break
		od;
		st[0] = RUN; con[0] = ALLN; isy[0] = DN; cura[0] = 1; bm[0] = ALLN; lastf[0] = 1;
		END
end:
	do
	INITIATOR(0)
#if NI == 2
	INITIATOR(1)
#endif
	EACH_D(TARGET1, 0)
#if SWAPS
	EACH_N(SWAP1, 0)
#endif
	od
}
