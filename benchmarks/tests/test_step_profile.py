"""Operations of a step by kind."""

from __future__ import annotations

import pytest

from benchmarks.step_profile import UNNAMED, Profile, by_kind, kind_of, lines


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("gradient_tape/a/convolution_1/convolution/Conv3DBackpropFilterV2:Conv3DBackpropFilterV2", "convolution"),
        ("a/lstm/while/body/MatMul:_MklMatMul", "product"),
        ("gradient_tape/a/pooling_1/MaxPoolGrad:_MklNativeMaxPoolGrad", "pooling"),
        ("gradient_tape/a/convolution_1/ReluGrad:ReluGrad", "ReLU and bias"),
        ("a/dropout_1/stateless_dropout/SelectV2:SelectV2", "dropout"),
        ("resnet34/mirrored_1/SelectV2:SelectV2", "other"),
        ("resnet34/stage1_normalisation/moments/mean:Mean", "normalisation"),
        ("a/normalisation_1/MatMul:_MklMatMul", "normalisation"),
        ("mul_9:Mul", UNNAMED),
        ("sgd/AssignAddVariableOp_8:AssignAddVariableOp", "other"),
    ],
)
def test_operations_have_kinds(operation: str, kind: str) -> None:
    assert kind_of(operation) == kind


def test_a_step_sums_the_fastest_runs_of_its_operations_and_the_mean_of_those_in_loops() -> None:
    once = [("conv/a:Conv2D", 3.0), ("conv/a:Conv2D", 2.0), ("conv/b:Conv2D", 1.0), ("conv/b:Conv2D", 4.0)]
    looped = [("lstm/m:MatMul", 1.0), ("lstm/m:MatMul", 2.0), ("lstm/m:MatMul", 3.0), ("lstm/m:MatMul", 4.0)]
    assert by_kind([*once, *looped], steps=2) == {"product": 5.0, "convolution": 3.0}


def test_limits_are_those_of_the_machine() -> None:
    first, second = lines("net", Profile(0.5, {"convolution": 0.3, "other": 0.1}, 100.0, 200.0, 40.0))
    assert first == "net: 0.500 s; convolution 75%, other 25%"
    assert second == "  100.0 GFLOP at 200 GFLOP/s: 0.500 s; 20.0 GB of data at 40 GB/s"
