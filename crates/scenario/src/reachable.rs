//! What is never reached: steps and tasks behind one at which the user stops.

use toml::Spanned;

use crate::problem::Problem;
use crate::spec::StepSpec;

/// Finds what stands behind a step, or behind a task of a sequence, that is the last in any case.
pub(crate) fn find_unreachable(list: &[Spanned<StepSpec>], problems: &mut Vec<Problem>) {
    let unreachable = list.windows(2).find(|pair| stops(pair[0].get_ref()));
    if let Some([_, behind]) = unreachable {
        problems.push(
            Problem::new("this is never reached")
                .at(behind.span(), "the user has stopped before")
                .help("put what stops the user last, or into an `if`"),
        );
    }
}

/// Whether nothing comes after a step, whatever happens. A loop may go round not once.
fn stops(step: &StepSpec) -> bool {
    let ends = |steps: &Option<Spanned<Vec<Spanned<StepSpec>>>>| {
        let last = steps.as_ref().and_then(|steps| steps.get_ref().last());
        last.is_some_and(|last| stops(last.get_ref()))
    };
    let is_loop = step.repeat.is_some() || step.holds.is_some() || step.for_each.is_some();
    let is_stop = step.stop_user.is_some() || step.stop_test.is_some();
    let is_either_way = step.condition.is_none() || ends(&step.otherwise);
    is_stop || !is_loop && is_either_way && ends(&step.steps)
}
