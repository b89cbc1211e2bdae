// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// How a `ModalToken` answers `transfer` and `transferFrom`.
enum Mode {
    Plain,
    /// Moves the amount and returns no data, like USDT.
    ReturnsNothing,
    ReturnsFalse,
    /// Moves the amount and still says false.
    FalseButMoves,
    /// Says true and moves nothing.
    TrueWithoutMoving,
    /// Moves the amount and returns a word that is neither true nor false.
    ReturnsGarbage,
    Reverts,
    /// Takes a hundredth of what the recipient gets.
    FeeOnTransfer,
    /// Takes a hundredth on top, from the sender.
    FeeOnSender,
    /// Returns 100,000 bytes.
    ReturnBomb,
    BurnsGas,
    /// Calls `hook` with `hookData` after moving the amount, as ERC-777 does.
    Reenters
}

/// A token that changes its manners at any time, as upgradeable ones can.
contract ModalToken {
    string public constant name = "Modal";
    string public constant symbol = "MODAL";
    uint8 public constant decimals = 18;

    Mode public mode;
    address public hook;
    bytes public hookData;
    bool public hookSucceeded;
    bytes4 public hookError;
    uint256 public totalSupply;
    mapping(address account => uint256) public balanceOf;
    mapping(address owner => mapping(address spender => uint256)) public allowance;
    mapping(address account => bool) public blacklisted;

    function setMode(Mode mode_) external {
        mode = mode_;
    }

    function setHook(address hook_, bytes calldata data) external {
        (hook, hookData) = (hook_, data);
    }

    function setBlacklisted(address account, bool listed) external {
        blacklisted[account] = listed;
    }

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
        totalSupply += amount;
    }

    /// What a rebasing token does to a holder.
    function rebase(address account, uint256 balance) external {
        balanceOf[account] = balance;
    }

    function approve(address spender, uint256 amount) external returns (bool) {
        allowance[msg.sender][spender] = amount;
        return true;
    }

    function transfer(address to, uint256 amount) external returns (bool) {
        _act(msg.sender, to, amount);
        return true;
    }

    function transferFrom(address from, address to, uint256 amount) external returns (bool) {
        require(allowance[from][msg.sender] >= amount, "allowance");
        allowance[from][msg.sender] -= amount;
        _act(from, to, amount);
        return true;
    }

    /// Ends the call itself in the modes that do not return true.
    function _act(address from, address to, uint256 amount) private {
        Mode m = mode;
        require(m != Mode.Reverts && !blacklisted[to] && !blacklisted[from], "refused");
        if (m == Mode.BurnsGas) while (true) {}
        if (m == Mode.ReturnsFalse) _return(0x20, 0);
        if (m == Mode.TrueWithoutMoving) return;
        balanceOf[from] -= m == Mode.FeeOnSender ? amount + amount / 100 : amount;
        balanceOf[to] += m == Mode.FeeOnTransfer ? amount - amount / 100 : amount;
        if (m == Mode.ReturnsNothing) _return(0, 0);
        if (m == Mode.FalseButMoves) _return(0x20, 0);
        if (m == Mode.ReturnsGarbage) _return(0x20, 2);
        if (m == Mode.ReturnBomb) _return(100_000, 2);
        if (m == Mode.Reenters) _callHook();
    }

    function _callHook() private {
        bytes memory answer;
        (hookSucceeded, answer) = hook.call(hookData);
        hookError = bytes4(answer);
    }

    function _return(uint256 size, uint256 word) private pure {
        assembly {
            mstore(0x00, word)
            return(0x00, size)
        }
    }
}
