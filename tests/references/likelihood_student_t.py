"""Reference of Student's t likelihood: Lange, Little and Taylor (1989); torch's distributions.StudentT."""

import numpy as np

from references.draws import INF, positive, positive_wide
from references.likelihood_scale import INPUT, SCALE, TARGET
from references.schema import Kink, Operand, Reference

LOG_2 = float(np.log(2.0))
HALF_LOG_2_PI = np.log(8 * np.arctan(np.longdouble(1))) / 2

# log Gamma(a + 1/2) - log Gamma(a) - log(a) / 2 = sum of c_k / a^(2k - 1), by Stirling's series at a + 1/2 and at a
# (NIST Digital Library of Mathematical Functions, 5.11.8), with the Bernoulli numbers B_2 to B_16 of DLMF 24.2:
# c_k = B_2k (2^(1 - 2k) - 2) / (2k (2k - 1)).
BERNOULLI = [(1, 6), (-1, 30), (1, 42), (-1, 30), (5, 66), (-691, 2730), (7, 6), (-3617, 510)]
STIRLING = [
    np.longdouble(p) / q * (np.longdouble(2) ** (1 - 2 * k) - 2) / (2 * k * (2 * k - 1))
    for k, (p, q) in enumerate(BERNOULLI, 1)
]
STEPS = 24


def rest(df):
    """log Gamma(df / 2) - log Gamma((df + 1) / 2) + log(df / 2) / 2, stepped up to where Stirling's series is exact."""
    half = df / 2
    a = half + STEPS
    series = -sum(c / a ** (2 * k - 1) for k, c in enumerate(STIRLING, 1))
    # Gamma(a + 1) = a Gamma(a) on both: (h + 1/2)^2 / (h (h + 1)) = 1 + 1 / (4 h (h + 1)) for every step
    return series + sum(np.log1p(1 / (4 * (half + i) * (half + i + 1))) for i in range(STEPS)) / 2


def rest_slope(df):
    half = df / 2
    a = half + STEPS
    series = sum((2 * k - 1) * c / a ** (2 * k) for k, c in enumerate(STIRLING, 1))
    return series / 2 - sum(1 / ((df + 2 * i) * (df + 2 * i + 1) * (df + 2 * i + 2)) for i in range(STEPS))


def standardized(input, target, scale, df, eps):
    s = np.maximum(scale, eps)
    r = input - target
    z = r / s
    q = np.where((z == 0) | np.isinf(df), 0 * np.sign(z), z * z / df)
    return r, s, z, q


def value(input, target, scale, df, full, eps):
    _, s, z, q = standardized(input, target, scale, df, eps)
    tail = np.where(np.isinf(df), z * z / 2, np.where(z == 0, 0, (df + 1) / 2 * np.log1p(q)))
    return np.log(s) + rest(df) + tail + (HALF_LOG_2_PI if full else 0)


def in_input(input, target, scale, df, full, eps):
    r, s, _, _ = standardized(input, target, scale, df, eps)
    return np.where(r == 0, 0, np.where(np.isinf(df), r / s / s, (df + 1) / (r + df * s * (s / r))))


def in_scale(input, target, scale, df, full, eps):
    _, s, z, q = standardized(input, target, scale, df, eps)
    w = z * z
    far = (w > 1) & ~np.isinf(df)
    return np.where(far, (1 / w - 1) / (1 / w + 1 / df), (1 - w) / (1 + q)) / s


def log1p_above_tangent(q):
    """log(1 + q) - q / (1 + q), by its Taylor series where it would cancel."""
    small = q < 0.01
    x = np.where(small, q, 0)
    series = sum((-1) ** k * (k - 1) * x**k / np.longdouble(k) for k in range(2, 14))
    return np.where(small, series, np.log1p(q) - 1 / (1 + 1 / q))


def in_df(input, target, scale, df, full, eps):
    _, _, _, q = standardized(input, target, scale, df, eps)
    share = 1 / (1 + 1 / q)
    return np.where(df == 0, -INF, rest_slope(df) + (log1p_above_tangent(q) - share / df) / 2)


def hessian(input, target, scale, df, full, eps):
    r, s, _, q = standardized(input, target, scale, df, eps)
    near = (1 + 1 / df) * (1 - q) / (s * (1 + q)) ** 2
    return np.where(q > 1, (df + 1) / r * (1 / q - 1) / (1 + 1 / q) ** 2 / r, near)


def clean(x):
    return np.where(np.isnan(x), 0, x)


def terms_of_value(input, target, scale, df, full, eps):
    _, s, z, q = standardized(input, target, scale, df, eps)
    slope = np.abs(in_input(input, target, scale, df, full, eps))
    tail = value(input, target, scale, df, False, eps) - np.log(s) - rest(df)
    return [
        (np.log(s), 1),
        (rest(df), 1),
        (tail, 1),
        (tail + rest(df), 1),
        (input - target, slope),
        # A quotient that underflows; one that overflows must not.
        (np.where(np.abs(z) < 1, z, 0), np.where(np.abs(z) < 1, slope * s, 0)),
        # Beyond the largest number q is known by three logarithms.
        *((np.where(q > 1e30, np.log(x), 0), df + 1) for x in (np.abs(input - target), s)),
        (np.where(q > 1e30, np.log(df), 0), (df + 1) / 2),
    ]


def terms_in_input(input, target, scale, df, full, eps):
    _, s, z, _ = standardized(input, target, scale, df, eps)
    curve = np.abs(hessian(input, target, scale, df, full, eps))
    return [(input - target, curve), (z, curve * s)]


def terms_in_scale(input, target, scale, df, full, eps):
    _, s, z, q = standardized(input, target, scale, df, eps)
    slope = clean(2 * np.abs(z) * (1 + 1 / df) / (1 + q) ** 2 / s)
    by_w = clean((1 + 1 / df) / (1 + q) ** 2 / s)
    return [(z, slope), (z * z, by_w), (1 / s, 1 / (1 + q)), (input - target, slope / s)]


def terms_in_df(input, target, scale, df, full, eps):
    r, _, z, q = standardized(input, target, scale, df, eps)
    share = 1 / (1 + 1 / q)
    by_q = clean(np.abs(q - 1 / df) / (1 + q) ** 2 / 2)
    through_q = [(x, clean(2 * q * by_q / np.abs(x))) for x in (r, z, np.sqrt(q))]
    terms = [(rest_slope(df), 1), (log1p_above_tangent(q), 0.5), (share / df, 0.5), (q, by_q), *through_q]
    # Beyond 1 the logarithm and the quotient are subtracted as they are.
    return [*terms, (np.where(q > 1, np.log1p(q), 0), 0.5)]


def terms_of_hessian(input, target, scale, df, full, eps):
    r, s, z, q = standardized(input, target, scale, df, eps)
    by_q = clean(np.where(q > 1, (df + 1) / r / r / q, (1 + 1 / df) / s / s) * np.abs(q - 3) / (1 + q) ** 3)
    by_q = np.where(q > 1, clean((df + 1) / (r * r) * 3 / q / q), by_q)
    size = np.abs(hessian(input, target, scale, df, full, eps))
    return [
        (q, by_q),
        (1 + q, clean(2 * size / (1 + q))),
        (input - target, clean(2 * by_q * q / np.abs(r))),
        (z, clean(2 * by_q * q / np.abs(z))),
    ]


def torch_call(torch, operands, options, reduction):
    distribution = torch.distributions.StudentT(operands["df"], operands["input"], operands["scale"])
    loss = -distribution.log_prob(operands["target"]) - (0 if options.get("full") else float(HALF_LOG_2_PI))
    return loss if reduction == "none" else getattr(loss, reduction)()


STUDENT_T_NLL = Reference(
    name="student_t_nll_loss",
    operands=(
        INPUT,
        TARGET,
        SCALE,
        Operand(
            "df",
            positive_wide,
            positive,
            (1e-30, 0.5, 1.0, 3.0, 1e6, 1e30, INF),
            kinds=("full", "scalar", "column", "row", "leading"),
            checked_always=True,
        ),
    ),
    value=value,
    gradients={"input": in_input, "target": lambda **o: -in_input(**o), "scale": in_scale, "df": in_df},
    hessian=hessian,
    kinks=(
        Kink(
            "Cauchy, |r| = scale",
            {"input": 1.0, "target": 0.0, "scale": 1.0, "df": 1.0},
            float(np.log(np.pi) + np.log(2) - HALF_LOG_2_PI),
            {"input": 1.0, "target": -1.0, "scale": 0.0, "df": -LOG_2 / 2},
            0.0,
        ),
        Kink(
            "Cauchy, equal",
            {"input": 2.0, "target": 2.0, "scale": 0.5, "df": 1.0},
            float(np.log(np.pi) - np.log(2) - HALF_LOG_2_PI),
            {"input": 0.0, "target": 0.0, "scale": 2.0, "df": 0.5 - LOG_2},
            8.0,
        ),
        Kink(
            "normal",
            {"input": 3.0, "target": 1.0, "scale": 1.0, "df": INF},
            2.0,
            {"input": 2.0, "target": -2.0, "scale": -3.0, "df": 0.0},
            1.0,
        ),
        Kink(
            "scale below eps",
            {"input": 2.0, "target": 1.0, "scale": 0.125, "df": INF},
            8 - 2 * LOG_2,
            {"input": 16.0, "target": -16.0, "scale": -60.0, "df": 0.0},
            16.0,
            {"eps": 0.25},
        ),
        Kink(
            "no degrees of freedom",
            {"input": 2.0, "target": 1.0, "scale": 1.0, "df": 0.0},
            INF,
            {"input": 1.0, "target": -1.0, "scale": 0.0, "df": -INF},
            -1.0,
        ),
        Kink(
            "infinite input",
            {"input": -INF, "target": 0.0, "scale": 2.0, "df": 3.0},
            INF,
            {"input": 0.0, "target": 0.0, "scale": -1.5, "df": INF},
            0.0,
        ),
        Kink(
            "infinite scale",
            {"input": 1.0, "target": 0.0, "scale": INF, "df": 3.0},
            INF,
            {"input": 0.0, "target": 0.0, "scale": 0.0, "df": float(rest_slope(np.longdouble(3)))},
            0.0,
        ),
    ),
    golden=(
        # mpmath: -log of the density with loc 0.5, scale 0.75 and 4 degrees of freedom at -1
        (((0.5,), (-1.0,), (0.75,), (4.0,)), {"full": True}, 2.426015132),
        (((0.0, 2.0), (0.0, 1.0), (1.0, 2.0), (1.0, 1e6)), {}, 0.52196944629),
    ),
    outside={"scale": -0.25, "df": -1.0},
    options={"full": (True,), "eps": (1e-3, 0.5, 1e-30)},
    defaults={"full": False, "eps": 1e-6},
    formed_first={
        "value": terms_of_value,
        "input": terms_in_input,
        "target": terms_in_input,
        "scale": terms_in_scale,
        "df": terms_in_df,
        "hessian": terms_of_hessian,
    },
    distance_to_kink=lambda input, target, scale, df, full, eps: np.where(scale > eps, scale - eps, 0),
    torch=torch_call,
    torch_options={"full": (True,)},
    properties=frozenset({"symmetric"}),
    optimum=lambda target, scale, df, full, eps: target,
)
