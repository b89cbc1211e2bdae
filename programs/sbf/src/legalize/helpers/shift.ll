; Shifts of 128 bits by a number of bits that is not known before. Only its low seven bits count. Words are shifted by
; one and then by what is left to 64, since a shift by 64 has no meaning.

; (ah:al) << n0.
define void @__sbf_shl128(i64 %al, i64 %ah, i64 %n0, ptr %o) noinline optnone nounwind {
  %n = and i64 %n0, 127
  %big = icmp uge i64 %n, 64
  br i1 %big, label %b, label %s
b:
  %nb = sub i64 %n, 64
  %bh = shl i64 %al, %nb
  br label %d
s:
  %k = sub i64 63, %n
  %t = lshr i64 %al, 1
  %u = lshr i64 %t, %k
  %v = shl i64 %ah, %n
  %sh = or i64 %v, %u
  %sl = shl i64 %al, %n
  br label %d
d:
  %lo = phi i64 [ 0, %b ], [ %sl, %s ]
  %hi = phi i64 [ %bh, %b ], [ %sh, %s ]
  store i64 %lo, ptr %o, align 8
  %oh = getelementptr i8, ptr %o, i64 8
  store i64 %hi, ptr %oh, align 8
  ret void
}

; (ah:al) >> n0. fill is what enters from the top: zeros, or the sign in every bit.
define void @__sbf_shr128(i64 %al, i64 %ah, i64 %n0, i64 %fill, ptr %o) noinline optnone nounwind {
  %n = and i64 %n0, 127
  %big = icmp uge i64 %n, 64
  br i1 %big, label %b, label %s
b:
  %nb = sub i64 %n, 64
  %kb = sub i64 63, %nb
  %fb0 = shl i64 %fill, 1
  %fb = shl i64 %fb0, %kb
  %b0 = lshr i64 %ah, %nb
  %bl = or i64 %b0, %fb
  br label %d
s:
  %k = sub i64 63, %n
  %t = shl i64 %ah, 1
  %u = shl i64 %t, %k
  %v = lshr i64 %al, %n
  %sl = or i64 %v, %u
  %f0 = shl i64 %fill, 1
  %f1 = shl i64 %f0, %k
  %h0 = lshr i64 %ah, %n
  %sh = or i64 %h0, %f1
  br label %d
d:
  %lo = phi i64 [ %bl, %b ], [ %sl, %s ]
  %hi = phi i64 [ %fill, %b ], [ %sh, %s ]
  store i64 %lo, ptr %o, align 8
  %oh = getelementptr i8, ptr %o, i64 8
  store i64 %hi, ptr %oh, align 8
  ret void
}

; Shift to the left.
define i128 @__sbf_shl_i128(i128 %a, i128 %b) alwaysinline nounwind {
  %o = alloca [2 x i64], align 8
  %al = trunc i128 %a to i64
  %as = lshr i128 %a, 64
  %ah = trunc i128 %as to i64
  %n = trunc i128 %b to i64
  call void @__sbf_shl128(i64 %al, i64 %ah, i64 %n, ptr %o)
  %r = load i128, ptr %o, align 8
  ret i128 %r
}

; Shift to the right, zeros from the top.
define i128 @__sbf_lshr_i128(i128 %a, i128 %b) alwaysinline nounwind {
  %o = alloca [2 x i64], align 8
  %al = trunc i128 %a to i64
  %as = lshr i128 %a, 64
  %ah = trunc i128 %as to i64
  %n = trunc i128 %b to i64
  call void @__sbf_shr128(i64 %al, i64 %ah, i64 %n, i64 0, ptr %o)
  %r = load i128, ptr %o, align 8
  ret i128 %r
}

; Shift to the right, the sign from the top.
define i128 @__sbf_ashr_i128(i128 %a, i128 %b) alwaysinline nounwind {
  %o = alloca [2 x i64], align 8
  %al = trunc i128 %a to i64
  %as = lshr i128 %a, 64
  %ah = trunc i128 %as to i64
  %n = trunc i128 %b to i64
  %f = ashr i64 %ah, 63
  call void @__sbf_shr128(i64 %al, i64 %ah, i64 %n, i64 %f, ptr %o)
  %r = load i128, ptr %o, align 8
  ret i128 %r
}
