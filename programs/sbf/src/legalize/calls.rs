//! Functions with more than five argument registers or more than one for the result, which no call can carry.
//!
//! Small ones, and those that are called once, are inlined. The others are called by a packed record: those that would
//! swell the program by standing in it several times, those that the source forbids to inline (Anchor parts its stack
//! frames so), that call themselves, or whose address is taken (vtables). Calls through an address take the same
//! record, since what they call does.

use super::{LegalizeError, record::Record};
use crate::{
    ir::{Attribute, Module, Shape, Type, Value},
    target::{ARGUMENT_SLOTS, RETURN_SLOTS},
};

/// Instructions of a function that is inlined in more than one place. A call by record takes about as many.
const INLINED_INSTRUCTIONS_MAX: usize = 24;

/// Makes every call one that the machine has.
pub(super) fn lower(module: &Module) -> Result<(), LegalizeError> {
    let mut through_address = Vec::new();
    let mut functions = Vec::new();
    for function in module.functions() {
        drop_sret(function);
        if function.is_declaration() {
            continue;
        }
        if is_illegal(module, function.value_type()) {
            functions.push(function);
        }
        for instruction in function.instructions() {
            if instruction.is_branching_call() {
                return Err(LegalizeError::Unwinds { function: function.name() });
            }
            let by_address = instruction.is_call() && goes_through_address(instruction);
            if by_address && is_illegal(module, instruction.callee_type()) {
                through_address.push(instruction);
            }
        }
    }
    for call in through_address {
        Record::of(module, call.callee_type()).rewrite_call(module, call, call.callee());
    }
    functions.into_iter().try_for_each(|function| lower_function(module, function))
}

/// `sret` marks a pointer to where the result goes. Here it is a pointer like any other, and the back end refuses the
/// mark on functions whose address is taken.
fn drop_sret(function: Value<'_>) {
    let sret = Attribute::named("sret");
    for index in 1..=function.parameter_count() {
        function.remove_from_parameter(index, sret);
    }
    for call in function.instructions().into_iter().filter(|instruction| instruction.is_call()) {
        for (index, _) in (1_u32..).zip(call.arguments()) {
            call.remove_from_argument(index, sret);
        }
    }
}

fn goes_through_address(call: Value<'_>) -> bool {
    let callee = call.callee();
    !callee.is_function() && !callee.is_assembly()
}

fn is_illegal(module: &Module, function_type: Type<'_>) -> bool {
    let arguments: u64 = function_type.parameters().into_iter().map(|parameter| slots(module, parameter)).sum();
    arguments > ARGUMENT_SLOTS || slots(module, function_type.returns()) > RETURN_SLOTS
}

/// Registers that a value takes.
fn slots(module: &Module, of: Type<'_>) -> u64 {
    match of.shape() {
        Shape::Void => 0,
        Shape::Integer(bits) => u64::from(bits.div_ceil(64)),
        Shape::Struct(parts) => parts.into_iter().map(|part| slots(module, part)).sum(),
        Shape::Array(count, part) => count.saturating_mul(slots(module, part)),
        Shape::Other => module.layout(of).0.div_ceil(8),
    }
}

/// Who uses a function, and how.
struct Uses<'m> {
    calls: Vec<Value<'m>>,
    address_taken: bool,
    calls_itself: bool,
}

impl<'m> Uses<'m> {
    fn of(function: Value<'m>) -> Result<Self, LegalizeError> {
        let mut uses = Self { calls: Vec::new(), address_taken: false, calls_itself: false };
        for user in function.users() {
            if !user.is_call() || user.callee() != function {
                uses.address_taken = true;
                continue;
            }
            let caller = user.parent_function();
            if user.callee_type() != function.value_type() {
                return Err(LegalizeError::CalleeType { caller: caller.name(), callee: function.name() });
            }
            uses.address_taken |= user.arguments().any(|argument| argument == function);
            uses.calls_itself |= caller == function;
            if !uses.calls.contains(&user) {
                uses.calls.push(user);
            }
        }
        Ok(uses)
    }
}

fn lower_function(module: &Module, function: Value<'_>) -> Result<(), LegalizeError> {
    let (always_inline, never_inline, unoptimised) =
        (Attribute::named("alwaysinline"), Attribute::named("noinline"), Attribute::named("optnone"));
    let uses = Uses::of(function)?;
    let swells = uses.calls.len() > 1 && function.instructions().len() > INLINED_INSTRUCTIONS_MAX;
    if swells || uses.address_taken || uses.calls_itself || function.has(never_inline) {
        let record = Record::of(module, function.value_type());
        let wrapper = record.wrap(module, function);
        wrapper.add(never_inline);
        for call in uses.calls {
            record.rewrite_call(module, call, wrapper);
        }
        function.replace_with(wrapper);
        record.fill(module, wrapper, function);
    } else {
        for call in uses.calls {
            call.remove_from_call(never_inline);
        }
    }
    function.remove(never_inline);
    function.remove(unoptimised);
    function.add(always_inline);
    function.make_internal();
    Ok(())
}
