"""What crosses the border between the window and the engine: requests in, results out.

Frozen dataclasses of plain values, names and read-only NumPy arrays; no tensor, no torch, no
Qt. Every result carries the id of the request that it answers.
"""

from __future__ import annotations

from model.messages.asking import (
    Answered,
    Ask,
    PromptRead,
    PromptRefused,
    ReadPrompt,
    StreamReady,
    Waiting,
)
from model.messages.base import (
    Activity,
    Array,
    Cancel,
    Cancelled,
    EngineReady,
    Failed,
    Progress,
    Request,
    Result,
    SetBudget,
    SetThreads,
)
from model.messages.generating import Generate, GenerationEnd, GenerationFinished, TokenGenerated
from model.messages.opening import (
    ModelInfo,
    ModelOpened,
    ModelPreviewed,
    OpeningProgressed,
    OpenModel,
    PreviewModel,
    Saved,
    SaveModel,
)
from model.messages.space import (
    FindNeighbours,
    NeighboursFound,
    ProjectVocabulary,
    VocabularyProjected,
)
from model.messages.training import (
    AnalogyMeasured,
    ControlTraining,
    FollowTraining,
    StartTraining,
    TrainingProgressed,
    TrainingStarted,
)
from model.messages.verifying import ModelVerified, VerifyModel
from model.messages.weights import (
    DescribeWeights,
    ExamineWeight,
    FindSingularValues,
    ListWeights,
    SingularValuesFound,
    SingularValuesProgressed,
    WeightExamined,
    WeightFigures,
    WeightsDescribed,
    WeightsListed,
    WeightsResult,
    WeightTensor,
)

__all__ = [
    "Activity",
    "AnalogyMeasured",
    "Answered",
    "Array",
    "Ask",
    "Cancel",
    "Cancelled",
    "ControlTraining",
    "DescribeWeights",
    "EngineReady",
    "ExamineWeight",
    "Failed",
    "FindNeighbours",
    "FindSingularValues",
    "FollowTraining",
    "Generate",
    "GenerationEnd",
    "GenerationFinished",
    "ListWeights",
    "ModelInfo",
    "ModelOpened",
    "ModelPreviewed",
    "ModelVerified",
    "NeighboursFound",
    "OpenModel",
    "OpeningProgressed",
    "PreviewModel",
    "Progress",
    "ProjectVocabulary",
    "PromptRead",
    "PromptRefused",
    "ReadPrompt",
    "Request",
    "Result",
    "SaveModel",
    "Saved",
    "SetBudget",
    "SetThreads",
    "SingularValuesFound",
    "SingularValuesProgressed",
    "StartTraining",
    "StreamReady",
    "TokenGenerated",
    "TrainingProgressed",
    "TrainingStarted",
    "VerifyModel",
    "VocabularyProjected",
    "Waiting",
    "WeightExamined",
    "WeightFigures",
    "WeightTensor",
    "WeightsDescribed",
    "WeightsListed",
    "WeightsResult",
]
