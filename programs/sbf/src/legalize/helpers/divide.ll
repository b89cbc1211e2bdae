; Quotients and remainders. Rust tests for a divisor of zero, and for the one signed quotient that does not fit, before
; it divides.

; (ah:al) / (bh:bl) into o[0], o[1] and the remainder into o[2], o[3]. Divisors and dividends of one word take the
; machine's own division; else the low word is divided bit by bit, the remainder in rhh:rl. No bit is lost to the left:
; the remainder with its next bit is never more than the dividend.
define void @__sbf_udivrem128(i64 %al, i64 %ah, i64 %bl, i64 %bh, ptr %o) noinline optnone nounwind {
entry:
  %bhz = icmp eq i64 %bh, 0
  br i1 %bhz, label %small, label %loop0
small:
  %qh = udiv i64 %ah, %bl
  %rh = urem i64 %ah, %bl
  %ahz = icmp eq i64 %ah, 0
  br i1 %ahz, label %tiny, label %loop0
tiny:
  %tq = udiv i64 %al, %bl
  %tr = urem i64 %al, %bl
  br label %done
loop0:
  %qh0 = phi i64 [ 0, %entry ], [ %qh, %small ]
  %r0 = phi i64 [ %ah, %entry ], [ %rh, %small ]
  br label %loop
loop:
  %i = phi i64 [ 64, %loop0 ], [ %i1, %loop ]
  %x = phi i64 [ %al, %loop0 ], [ %x1, %loop ]
  %rl = phi i64 [ %r0, %loop0 ], [ %nrl, %loop ]
  %rhh = phi i64 [ 0, %loop0 ], [ %nrh, %loop ]
  %top = lshr i64 %x, 63
  %c = lshr i64 %rl, 63
  %sl0 = shl i64 %rl, 1
  %sl = or i64 %sl0, %top
  %sh0 = shl i64 %rhh, 1
  %sh = or i64 %sh0, %c
  %hgt = icmp ugt i64 %sh, %bh
  %heq = icmp eq i64 %sh, %bh
  %lge = icmp uge i64 %sl, %bl
  %both = and i1 %heq, %lge
  %ge = or i1 %hgt, %both
  %dl = sub i64 %sl, %bl
  %bw = icmp ult i64 %sl, %bl
  %bwz = zext i1 %bw to i64
  %dh0 = sub i64 %sh, %bh
  %dh = sub i64 %dh0, %bwz
  %nrl = select i1 %ge, i64 %dl, i64 %sl
  %nrh = select i1 %ge, i64 %dh, i64 %sh
  %bit = zext i1 %ge to i64
  %xs = shl i64 %x, 1
  %x1 = or i64 %xs, %bit
  %i1 = sub i64 %i, 1
  %fin = icmp eq i64 %i1, 0
  br i1 %fin, label %done, label %loop
done:
  %fql = phi i64 [ %tq, %tiny ], [ %x1, %loop ]
  %fqh = phi i64 [ 0, %tiny ], [ %qh0, %loop ]
  %frl = phi i64 [ %tr, %tiny ], [ %nrl, %loop ]
  %frh = phi i64 [ 0, %tiny ], [ %nrh, %loop ]
  store i64 %fql, ptr %o, align 8
  %o1 = getelementptr i8, ptr %o, i64 8
  store i64 %fqh, ptr %o1, align 8
  %o2 = getelementptr i8, ptr %o, i64 16
  store i64 %frl, ptr %o2, align 8
  %o3 = getelementptr i8, ptr %o, i64 24
  store i64 %frh, ptr %o3, align 8
  ret void
}

; Unsigned 128-bit quotient.
define i128 @__sbf_udiv_i128(i128 %a, i128 %b) alwaysinline nounwind {
  %o = alloca [4 x i64], align 8
  %al = trunc i128 %a to i64
  %as = lshr i128 %a, 64
  %ah = trunc i128 %as to i64
  %bl = trunc i128 %b to i64
  %bs = lshr i128 %b, 64
  %bh = trunc i128 %bs to i64
  call void @__sbf_udivrem128(i64 %al, i64 %ah, i64 %bl, i64 %bh, ptr %o)
  %r = load i128, ptr %o, align 8
  ret i128 %r
}

; Unsigned 128-bit remainder.
define i128 @__sbf_urem_i128(i128 %a, i128 %b) alwaysinline nounwind {
  %o = alloca [4 x i64], align 8
  %al = trunc i128 %a to i64
  %as = lshr i128 %a, 64
  %ah = trunc i128 %as to i64
  %bl = trunc i128 %b to i64
  %bs = lshr i128 %b, 64
  %bh = trunc i128 %bs to i64
  call void @__sbf_udivrem128(i64 %al, i64 %ah, i64 %bl, i64 %bh, ptr %o)
  %p = getelementptr i8, ptr %o, i64 16
  %r = load i128, ptr %p, align 8
  ret i128 %r
}

; Signed 128-bit quotient: towards zero, negative if the signs differ.
define i128 @__sbf_sdiv_i128(i128 %a, i128 %b) alwaysinline nounwind {
  %an = icmp slt i128 %a, 0
  %bn = icmp slt i128 %b, 0
  %a0 = sub i128 0, %a
  %b0 = sub i128 0, %b
  %aa = select i1 %an, i128 %a0, i128 %a
  %ba = select i1 %bn, i128 %b0, i128 %b
  %q = call i128 @__sbf_udiv_i128(i128 %aa, i128 %ba)
  %nq = sub i128 0, %q
  %neg = xor i1 %an, %bn
  %r = select i1 %neg, i128 %nq, i128 %q
  ret i128 %r
}

; Signed 128-bit remainder: with the dividend's sign.
define i128 @__sbf_srem_i128(i128 %a, i128 %b) alwaysinline nounwind {
  %an = icmp slt i128 %a, 0
  %bn = icmp slt i128 %b, 0
  %a0 = sub i128 0, %a
  %b0 = sub i128 0, %b
  %aa = select i1 %an, i128 %a0, i128 %a
  %ba = select i1 %bn, i128 %b0, i128 %b
  %q = call i128 @__sbf_urem_i128(i128 %aa, i128 %ba)
  %nq = sub i128 0, %q
  %r = select i1 %an, i128 %nq, i128 %q
  ret i128 %r
}

; Signed 64-bit quotient.
define i64 @__sbf_sdiv_i64(i64 %a, i64 %b) alwaysinline nounwind {
  %an = icmp slt i64 %a, 0
  %bn = icmp slt i64 %b, 0
  %a0 = sub i64 0, %a
  %b0 = sub i64 0, %b
  %aa = select i1 %an, i64 %a0, i64 %a
  %ba = select i1 %bn, i64 %b0, i64 %b
  %q = udiv i64 %aa, %ba
  %nq = sub i64 0, %q
  %neg = xor i1 %an, %bn
  %r = select i1 %neg, i64 %nq, i64 %q
  ret i64 %r
}

; Signed 64-bit remainder.
define i64 @__sbf_srem_i64(i64 %a, i64 %b) alwaysinline nounwind {
  %an = icmp slt i64 %a, 0
  %bn = icmp slt i64 %b, 0
  %a0 = sub i64 0, %a
  %b0 = sub i64 0, %b
  %aa = select i1 %an, i64 %a0, i64 %a
  %ba = select i1 %bn, i64 %b0, i64 %b
  %q = urem i64 %aa, %ba
  %nq = sub i64 0, %q
  %r = select i1 %an, i64 %nq, i64 %q
  ret i64 %r
}

