from tests.helpers import alert, compile_repo, exprs


def test_x() -> None:
    c = compile_repo({"A": alert("A")}, {"g": "rules: {A: {}}"})
    assert exprs(c, "g") == {"A_G": 'A_metric{group_id="g"} > 1'}
