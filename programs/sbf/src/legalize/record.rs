//! Calls by a packed record: one pointer instead of arguments and result. The record lies on the caller's stack and
//! holds every argument and then the result.

use crate::ir::{Module, Shape, Type, Value};

/// The record of a function's type.
pub(super) struct Record<'m> {
    record: Type<'m>,
    parameters: Vec<Type<'m>>,
    /// Where the result is, if there is one.
    result: Option<(u32, Type<'m>)>,
}

impl<'m> Record<'m> {
    /// The record for calls of this type.
    pub(super) fn of(module: &'m Module, function_type: Type<'m>) -> Self {
        let parameters = function_type.parameters();
        let returns = function_type.returns();
        let mut fields = parameters.clone();
        let result = match returns.shape() {
            Shape::Void => None,
            Shape::Integer(_) | Shape::Struct(_) | Shape::Array(..) | Shape::Other => {
                let index = u32::try_from(fields.len()).expect("a signature has few parts");
                fields.push(returns);
                Some((index, returns))
            }
        };
        Self { record: module.record(&fields), parameters, result }
    }

    /// Arguments into a record, a call with its address, the result out of it: in place of one call.
    pub(super) fn rewrite_call(&self, module: &'m Module, call: Value<'m>, callee: Value<'m>) {
        // Room in the first block is given once per call of the function; in a loop it would grow with every round.
        let record = module.before(call.function_start()).stack_slot(self.record);
        let builder = module.before(call);
        for (index, argument) in (0_u32..).zip(call.arguments()) {
            builder.store(argument, builder.field(self.record, record, index));
        }
        builder.call(module.procedure(&[module.pointer()]), callee, &[record]);
        if let Some((index, returns)) = self.result {
            call.replace_with(builder.load(returns, builder.field(self.record, record, index)));
        }
        call.erase();
    }

    /// A function that takes the record and calls the one that takes arguments.
    pub(super) fn wrap(&self, module: &'m Module, function: Value<'m>) -> Value<'m> {
        let name = format!("{}.packed", function.name());
        let wrapper = module.add_internal_function(&name, module.procedure(&[module.pointer()]));
        wrapper.take_processor_of(function);
        wrapper
    }

    /// The body of that function.
    pub(super) fn fill(&self, module: &'m Module, wrapper: Value<'m>, function: Value<'m>) {
        let builder = module.body_of(wrapper);
        let record = wrapper.parameter(0);
        let arguments: Vec<_> = (0_u32..)
            .zip(&self.parameters)
            .map(|(index, parameter)| builder.load(*parameter, builder.field(self.record, record, index)))
            .collect();
        let result = builder.call(function.value_type(), function, &arguments);
        if let Some((index, _)) = self.result {
            builder.store(result, builder.field(self.record, record, index));
        }
        builder.return_nothing();
    }
}
