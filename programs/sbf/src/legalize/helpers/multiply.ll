; Products. A 128-bit number is two words, low first (l) and high (h); where a helper writes more than one word, o is
; the address of the first.

; (ah:al) * (bh:bl) mod 2^128, from four products of 32-bit halves and the two of the high words that still count.
define void @__sbf_mul128(i64 %al, i64 %ah, i64 %bl, i64 %bh, ptr %o) noinline optnone nounwind {
  %a0 = and i64 %al, 4294967295
  %a1 = lshr i64 %al, 32
  %b0 = and i64 %bl, 4294967295
  %b1 = lshr i64 %bl, 32
  %p00 = mul i64 %a0, %b0
  %p01 = mul i64 %a0, %b1
  %p10 = mul i64 %a1, %b0
  %p11 = mul i64 %a1, %b1
  %p00h = lshr i64 %p00, 32
  %p01l = and i64 %p01, 4294967295
  %p10l = and i64 %p10, 4294967295
  %m0 = add i64 %p00h, %p01l
  %mid = add i64 %m0, %p10l
  %midl = shl i64 %mid, 32
  %p00l = and i64 %p00, 4294967295
  %lo = or i64 %midl, %p00l
  %midh = lshr i64 %mid, 32
  %p01h = lshr i64 %p01, 32
  %p10h = lshr i64 %p10, 32
  %h0 = add i64 %p11, %p01h
  %h1 = add i64 %h0, %p10h
  %h2 = add i64 %h1, %midh
  %c0 = mul i64 %al, %bh
  %c1 = mul i64 %ah, %bl
  %h3 = add i64 %h2, %c0
  %hi = add i64 %h3, %c1
  store i64 %lo, ptr %o, align 8
  %oh = getelementptr i8, ptr %o, i64 8
  store i64 %hi, ptr %oh, align 8
  ret void
}

; A 128-bit product, in the form of LLVM's own operation.
define i128 @__sbf_mul_i128(i128 %a, i128 %b) alwaysinline nounwind {
  %o = alloca [2 x i64], align 8
  %al = trunc i128 %a to i64
  %as = lshr i128 %a, 64
  %ah = trunc i128 %as to i64
  %bl = trunc i128 %b to i64
  %bs = lshr i128 %b, 64
  %bh = trunc i128 %bs to i64
  call void @__sbf_mul128(i64 %al, i64 %ah, i64 %bl, i64 %bh, ptr %o)
  %r = load i128, ptr %o, align 8
  ret i128 %r
}

; a * b mod 2^64, and at o whether the product is larger. It is unless dividing by a gives b again.
define fastcc i64 @__sbf_umulo_impl(i64 %a, i64 %b, ptr %o) noinline optnone nounwind {
  %p = mul i64 %a, %b
  %z = icmp eq i64 %a, 0
  br i1 %z, label %no, label %chk
chk:
  %q = udiv i64 %p, %a
  %ne = icmp ne i64 %q, %b
  %w = zext i1 %ne to i64
  store i64 %w, ptr %o
  ret i64 %p
no:
  store i64 0, ptr %o
  ret i64 %p
}

; llvm.umul.with.overflow.i64.
define { i64, i1 } @__sbf_umulo_i64(i64 %a, i64 %b) alwaysinline nounwind {
  %o = alloca i64
  %p = call fastcc i64 @__sbf_umulo_impl(i64 %a, i64 %b, ptr %o)
  %w = load i64, ptr %o
  %f = icmp ne i64 %w, 0
  %r0 = insertvalue { i64, i1 } poison, i64 %p, 0
  %r1 = insertvalue { i64, i1 } %r0, i1 %f, 1
  ret { i64, i1 } %r1
}

; llvm.smul.with.overflow.i64: the magnitudes' product, which may be 2^63 if the result is negative and 2^63 - 1 if not.
define { i64, i1 } @__sbf_smulo_i64(i64 %a, i64 %b) alwaysinline nounwind {
  %o = alloca i64
  %an = icmp slt i64 %a, 0
  %bn = icmp slt i64 %b, 0
  %a0 = sub i64 0, %a
  %b0 = sub i64 0, %b
  %aa = select i1 %an, i64 %a0, i64 %a
  %ba = select i1 %bn, i64 %b0, i64 %b
  %u = call fastcc i64 @__sbf_umulo_impl(i64 %aa, i64 %ba, ptr %o)
  %w = load i64, ptr %o
  %f0 = icmp ne i64 %w, 0
  %neg = xor i1 %an, %bn
  %lim = select i1 %neg, i64 -9223372036854775808, i64 9223372036854775807
  %f1 = icmp ugt i64 %u, %lim
  %f = or i1 %f0, %f1
  %un = sub i64 0, %u
  %p = select i1 %neg, i64 %un, i64 %u
  %r0 = insertvalue { i64, i1 } poison, i64 %p, 0
  %r1 = insertvalue { i64, i1 } %r0, i1 %f, 1
  ret { i64, i1 } %r1
}

; llvm.umul.with.overflow.i128. Its product and quotient become helper calls themselves.
define { i128, i1 } @__sbf_umulo_i128(i128 %a, i128 %b) alwaysinline nounwind {
entry:
  %p = mul i128 %a, %b
  %z = icmp eq i128 %a, 0
  br i1 %z, label %no, label %chk
chk:
  %q = udiv i128 %p, %a
  %ne = icmp ne i128 %q, %b
  br label %no
no:
  %f = phi i1 [ false, %entry ], [ %ne, %chk ]
  %r0 = insertvalue { i128, i1 } poison, i128 %p, 0
  %r1 = insertvalue { i128, i1 } %r0, i1 %f, 1
  ret { i128, i1 } %r1
}

; llvm.smul.with.overflow.i128, as for 64 bits.
define { i128, i1 } @__sbf_smulo_i128(i128 %a, i128 %b) alwaysinline nounwind {
  %an = icmp slt i128 %a, 0
  %bn = icmp slt i128 %b, 0
  %a0 = sub i128 0, %a
  %b0 = sub i128 0, %b
  %aa = select i1 %an, i128 %a0, i128 %a
  %ba = select i1 %bn, i128 %b0, i128 %b
  %u2 = call { i128, i1 } @__sbf_umulo_i128(i128 %aa, i128 %ba)
  %u = extractvalue { i128, i1 } %u2, 0
  %f0 = extractvalue { i128, i1 } %u2, 1
  %neg = xor i1 %an, %bn
  %lim = select i1 %neg, i128 170141183460469231731687303715884105728, i128 170141183460469231731687303715884105727
  %f1 = icmp ugt i128 %u, %lim
  %f = or i1 %f0, %f1
  %un = sub i128 0, %u
  %p = select i1 %neg, i128 %un, i128 %u
  %r0 = insertvalue { i128, i1 } poison, i128 %p, 0
  %r1 = insertvalue { i128, i1 } %r0, i1 %f, 1
  ret { i128, i1 } %r1
}

